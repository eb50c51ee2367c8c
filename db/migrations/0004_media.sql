CREATE TABLE `media` (
	`id` bigint unsigned AUTO_INCREMENT NOT NULL,
	`owner_id` bigint unsigned NOT NULL,
	`tweet_id` bigint unsigned,
	`position` tinyint NOT NULL DEFAULT 0,
	`key` varchar(64) CHARACTER SET utf8mb4 COLLATE utf8mb4_bin NOT NULL,
	`alt` varchar(1500) CHARACTER SET utf8mb4 COLLATE utf8mb4_bin NOT NULL,
	`width` int NOT NULL,
	`height` int NOT NULL,
	`animated` boolean NOT NULL,
	`thumbhash` varchar(64) CHARACTER SET utf8mb4 COLLATE utf8mb4_bin NOT NULL,
	`variants` mediumtext CHARACTER SET utf8mb4 COLLATE utf8mb4_bin NOT NULL,
	`created_at` datetime(3) NOT NULL DEFAULT (now(3)),
	CONSTRAINT `media_id` PRIMARY KEY(`id`),
	CONSTRAINT `media_key` UNIQUE(`key`)
);
--> statement-breakpoint
CREATE TABLE `media_sweeps` (
	`name` varchar(100) CHARACTER SET utf8mb4 COLLATE utf8mb4_bin NOT NULL,
	`position` varchar(1024) CHARACTER SET utf8mb4 COLLATE utf8mb4_bin NOT NULL,
	`seen` int NOT NULL,
	`found` int NOT NULL,
	`updated_at` datetime(3) NOT NULL,
	CONSTRAINT `media_sweeps_name` PRIMARY KEY(`name`)
);
--> statement-breakpoint
ALTER TABLE `tweets` ADD `media_count` tinyint DEFAULT 0 NOT NULL;--> statement-breakpoint
ALTER TABLE `users` ADD `header_key` varchar(64) CHARACTER SET utf8mb4 COLLATE utf8mb4_bin;--> statement-breakpoint
ALTER TABLE `media` ADD CONSTRAINT `media_owner_id_users_id_fk` FOREIGN KEY (`owner_id`) REFERENCES `users`(`id`) ON DELETE no action ON UPDATE no action;--> statement-breakpoint
CREATE INDEX `media_owner` ON `media` (`owner_id`,`id`);--> statement-breakpoint
CREATE INDEX `media_tweet` ON `media` (`tweet_id`,`created_at`);--> statement-breakpoint
CREATE INDEX `users_header_key` ON `users` (`header_key`);