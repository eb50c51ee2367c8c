CREATE TABLE `mail_tokens` (
	`hash` binary(32) NOT NULL,
	`user_id` bigint unsigned NOT NULL,
	`purpose` varchar(20) CHARACTER SET utf8mb4 COLLATE utf8mb4_bin NOT NULL,
	`email` varchar(254) CHARACTER SET utf8mb4 COLLATE utf8mb4_bin NOT NULL,
	`expires_at` datetime(3) NOT NULL,
	CONSTRAINT `mail_tokens_hash` PRIMARY KEY(`hash`),
	CONSTRAINT `mail_tokens_purpose` UNIQUE(`user_id`,`purpose`)
);
--> statement-breakpoint
CREATE TABLE `verified_emails` (
	`user_id` bigint unsigned NOT NULL,
	`email` varchar(254) CHARACTER SET utf8mb4 COLLATE utf8mb4_bin NOT NULL,
	`verified_at` datetime(3) NOT NULL,
	CONSTRAINT `verified_emails_user_id` PRIMARY KEY(`user_id`)
);
--> statement-breakpoint
ALTER TABLE `mail_tokens` ADD CONSTRAINT `mail_tokens_user_id_users_id_fk` FOREIGN KEY (`user_id`) REFERENCES `users`(`id`) ON DELETE no action ON UPDATE no action;--> statement-breakpoint
CREATE INDEX `mail_tokens_expires` ON `mail_tokens` (`expires_at`);