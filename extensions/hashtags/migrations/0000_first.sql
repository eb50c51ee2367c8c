CREATE TABLE `hashtags_authors` (
	`tag` varchar(100) CHARACTER SET utf8mb4 COLLATE utf8mb4_bin NOT NULL,
	`author_id` bigint unsigned NOT NULL,
	`tweet_id` bigint unsigned NOT NULL,
	`used_at` datetime(3) NOT NULL,
	CONSTRAINT `hashtags_authors_tag_author_id_pk` PRIMARY KEY(`tag`,`author_id`)
);
--> statement-breakpoint
CREATE TABLE `hashtags_mentions` (
	`tweet_id` bigint unsigned NOT NULL,
	`handle` varchar(30) CHARACTER SET utf8mb4 COLLATE utf8mb4_bin NOT NULL,
	`user_id` bigint unsigned,
	`announced` boolean NOT NULL DEFAULT false,
	CONSTRAINT `hashtags_mentions_tweet_id_handle_pk` PRIMARY KEY(`tweet_id`,`handle`)
);
--> statement-breakpoint
CREATE TABLE `hashtags_mutes` (
	`user_id` bigint unsigned NOT NULL,
	`tag` varchar(100) CHARACTER SET utf8mb4 COLLATE utf8mb4_bin NOT NULL,
	`shown` varchar(100) CHARACTER SET utf8mb4 COLLATE utf8mb4_bin NOT NULL,
	`id` bigint unsigned AUTO_INCREMENT NOT NULL,
	`created_at` datetime(3) NOT NULL DEFAULT (now(3)),
	CONSTRAINT `hashtags_mutes_user_id_tag_pk` PRIMARY KEY(`user_id`,`tag`),
	CONSTRAINT `hashtags_mutes_id` UNIQUE(`id`)
);
--> statement-breakpoint
CREATE TABLE `hashtags_trends` (
	`tag` varchar(100) CHARACTER SET utf8mb4 COLLATE utf8mb4_bin NOT NULL,
	`shown` varchar(100) CHARACTER SET utf8mb4 COLLATE utf8mb4_bin NOT NULL,
	`authors` int NOT NULL,
	`id` bigint unsigned AUTO_INCREMENT NOT NULL,
	CONSTRAINT `hashtags_trends_tag` PRIMARY KEY(`tag`),
	CONSTRAINT `hashtags_trends_id` UNIQUE(`id`)
);
--> statement-breakpoint
CREATE TABLE `hashtags_tweets` (
	`tag` varchar(100) CHARACTER SET utf8mb4 COLLATE utf8mb4_bin NOT NULL,
	`tweet_id` bigint unsigned NOT NULL,
	`author_id` bigint unsigned NOT NULL,
	CONSTRAINT `hashtags_tweets_tag_tweet_id_pk` PRIMARY KEY(`tag`,`tweet_id`)
);
--> statement-breakpoint
CREATE TABLE `hashtags_walks` (
	`name` varchar(20) CHARACTER SET utf8mb4 COLLATE utf8mb4_bin NOT NULL,
	`position` bigint unsigned NOT NULL,
	CONSTRAINT `hashtags_walks_name` PRIMARY KEY(`name`)
);
--> statement-breakpoint
ALTER TABLE `hashtags_authors` ADD CONSTRAINT `hashtags_authors_author_id_users_id_fk` FOREIGN KEY (`author_id`) REFERENCES `users`(`id`) ON DELETE cascade ON UPDATE no action;--> statement-breakpoint
ALTER TABLE `hashtags_mentions` ADD CONSTRAINT `hashtags_mentions_tweet_id_tweets_id_fk` FOREIGN KEY (`tweet_id`) REFERENCES `tweets`(`id`) ON DELETE cascade ON UPDATE no action;--> statement-breakpoint
ALTER TABLE `hashtags_mentions` ADD CONSTRAINT `hashtags_mentions_user_id_users_id_fk` FOREIGN KEY (`user_id`) REFERENCES `users`(`id`) ON DELETE set null ON UPDATE no action;--> statement-breakpoint
ALTER TABLE `hashtags_mutes` ADD CONSTRAINT `hashtags_mutes_user_id_users_id_fk` FOREIGN KEY (`user_id`) REFERENCES `users`(`id`) ON DELETE cascade ON UPDATE no action;--> statement-breakpoint
ALTER TABLE `hashtags_tweets` ADD CONSTRAINT `hashtags_tweets_tweet_id_tweets_id_fk` FOREIGN KEY (`tweet_id`) REFERENCES `tweets`(`id`) ON DELETE cascade ON UPDATE no action;--> statement-breakpoint
CREATE INDEX `hashtags_authors_author` ON `hashtags_authors` (`author_id`);--> statement-breakpoint
CREATE INDEX `hashtags_authors_used_at` ON `hashtags_authors` (`used_at`);--> statement-breakpoint
CREATE INDEX `hashtags_mentions_user` ON `hashtags_mentions` (`user_id`,`tweet_id`);--> statement-breakpoint
CREATE INDEX `hashtags_mutes_user` ON `hashtags_mutes` (`user_id`,`id`);--> statement-breakpoint
CREATE INDEX `hashtags_trends_top` ON `hashtags_trends` (`authors`,`id`);--> statement-breakpoint
CREATE INDEX `hashtags_tweets_tweet` ON `hashtags_tweets` (`tweet_id`,`tag`);--> statement-breakpoint
CREATE INDEX `hashtags_tweets_author` ON `hashtags_tweets` (`tag`,`author_id`,`tweet_id`);