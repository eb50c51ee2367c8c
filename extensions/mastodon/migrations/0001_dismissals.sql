CREATE TABLE `mastodon_dismissals` (
	`user_id` bigint unsigned NOT NULL,
	`account_id` bigint unsigned NOT NULL,
	CONSTRAINT `mastodon_dismissals_user_id_account_id_pk` PRIMARY KEY(`user_id`,`account_id`)
);
--> statement-breakpoint
ALTER TABLE `mastodon_dismissals` ADD CONSTRAINT `mastodon_dismissals_user_id_users_id_fk` FOREIGN KEY (`user_id`) REFERENCES `users`(`id`) ON DELETE cascade ON UPDATE no action;--> statement-breakpoint
ALTER TABLE `mastodon_dismissals` ADD CONSTRAINT `mastodon_dismissals_account_id_users_id_fk` FOREIGN KEY (`account_id`) REFERENCES `users`(`id`) ON DELETE cascade ON UPDATE no action;--> statement-breakpoint
CREATE INDEX `mastodon_dismissals_account` ON `mastodon_dismissals` (`account_id`);