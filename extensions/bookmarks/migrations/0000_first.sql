CREATE TABLE `bookmarks` (
	`user_id` bigint unsigned NOT NULL,
	`tweet_id` bigint unsigned NOT NULL,
	`id` bigint unsigned AUTO_INCREMENT NOT NULL,
	`created_at` datetime(3) NOT NULL DEFAULT (now(3)),
	CONSTRAINT `bookmarks_user_id_tweet_id_pk` PRIMARY KEY(`user_id`,`tweet_id`),
	CONSTRAINT `bookmarks_id` UNIQUE(`id`)
);
--> statement-breakpoint
ALTER TABLE `bookmarks` ADD CONSTRAINT `bookmarks_user_id_users_id_fk` FOREIGN KEY (`user_id`) REFERENCES `users`(`id`) ON DELETE cascade ON UPDATE no action;--> statement-breakpoint
ALTER TABLE `bookmarks` ADD CONSTRAINT `bookmarks_tweet_id_tweets_id_fk` FOREIGN KEY (`tweet_id`) REFERENCES `tweets`(`id`) ON DELETE cascade ON UPDATE no action;--> statement-breakpoint
CREATE INDEX `bookmarks_user` ON `bookmarks` (`user_id`,`id`);--> statement-breakpoint
CREATE INDEX `bookmarks_tweet` ON `bookmarks` (`tweet_id`);