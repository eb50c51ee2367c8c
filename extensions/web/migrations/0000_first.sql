CREATE TABLE `web_sessions` (
	`hash` binary(32) NOT NULL,
	`user_id` bigint unsigned NOT NULL,
	`session_id` bigint unsigned NOT NULL,
	`created_at` datetime(3) NOT NULL DEFAULT (now(3)),
	CONSTRAINT `web_sessions_hash` PRIMARY KEY(`hash`)
);
--> statement-breakpoint
ALTER TABLE `web_sessions` ADD CONSTRAINT `web_sessions_user_id_users_id_fk` FOREIGN KEY (`user_id`) REFERENCES `users`(`id`) ON DELETE cascade ON UPDATE no action;--> statement-breakpoint
CREATE INDEX `web_sessions_session` ON `web_sessions` (`session_id`);