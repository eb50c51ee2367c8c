CREATE TABLE `popular_authors` (
	`author_id` bigint unsigned NOT NULL,
	`created_at` datetime(3) NOT NULL DEFAULT (now(3)),
	CONSTRAINT `popular_authors_author_id` PRIMARY KEY(`author_id`)
);
--> statement-breakpoint
CREATE TABLE `timeline_entries` (
	`reader_id` bigint unsigned NOT NULL,
	`tweet_id` bigint unsigned NOT NULL,
	CONSTRAINT `timeline_entries_reader_id_tweet_id_pk` PRIMARY KEY(`reader_id`,`tweet_id`)
);
--> statement-breakpoint
CREATE TABLE `timeline_states` (
	`reader_id` bigint unsigned NOT NULL,
	`delivery` tinyint NOT NULL DEFAULT 0,
	`version` int NOT NULL DEFAULT 0,
	`turn` int NOT NULL DEFAULT 0,
	`floor_id` bigint unsigned NOT NULL DEFAULT 0,
	`seen_at` datetime(3) NOT NULL,
	`rebuilt_to` boolean NOT NULL DEFAULT false,
	CONSTRAINT `timeline_states_reader_id` PRIMARY KEY(`reader_id`)
);
--> statement-breakpoint
ALTER TABLE `follows` ADD `delivery` tinyint DEFAULT 0 NOT NULL;--> statement-breakpoint
ALTER TABLE `tweets` ADD `undelivered` tinyint;--> statement-breakpoint
ALTER TABLE `tweets` ALTER `undelivered` SET DEFAULT 1;--> statement-breakpoint
ALTER TABLE `timeline_states` ADD CONSTRAINT `timeline_states_reader_id_users_id_fk` FOREIGN KEY (`reader_id`) REFERENCES `users`(`id`) ON DELETE no action ON UPDATE no action;--> statement-breakpoint
CREATE INDEX `timeline_states_seen` ON `timeline_states` (`delivery`,`seen_at`);--> statement-breakpoint
CREATE INDEX `follows_fan_out` ON `follows` (`followee_id`,`delivery`,`follower_id`);--> statement-breakpoint
CREATE INDEX `follows_merged` ON `follows` (`follower_id`,`delivery`,`followee_id`);--> statement-breakpoint
CREATE INDEX `tweets_undelivered` ON `tweets` (`undelivered`);