CREATE TABLE `accepted_terms` (
	`user_id` bigint unsigned NOT NULL,
	`version` varchar(40) CHARACTER SET utf8mb4 COLLATE utf8mb4_bin NOT NULL,
	`accepted_at` datetime(3) NOT NULL DEFAULT (now(3)),
	CONSTRAINT `accepted_terms_user_id_version_pk` PRIMARY KEY(`user_id`,`version`)
);
--> statement-breakpoint
ALTER TABLE `accepted_terms` ADD CONSTRAINT `accepted_terms_user_id_users_id_fk` FOREIGN KEY (`user_id`) REFERENCES `users`(`id`) ON DELETE cascade ON UPDATE no action;