CREATE TABLE `notifications_groups` (
	`id` bigint unsigned AUTO_INCREMENT NOT NULL,
	`user_id` bigint unsigned NOT NULL,
	`kind` varchar(10) NOT NULL,
	`tweet_id` bigint unsigned,
	`latest_id` bigint unsigned NOT NULL,
	`latest_at` datetime(3) NOT NULL DEFAULT (now(3)),
	`created_at` datetime(3) NOT NULL DEFAULT (now(3)),
	CONSTRAINT `notifications_groups_id` PRIMARY KEY(`id`),
	CONSTRAINT `notifications_groups_order` UNIQUE(`user_id`,`latest_id`)
);
--> statement-breakpoint
CREATE TABLE `notifications_items` (
	`id` bigint unsigned AUTO_INCREMENT NOT NULL,
	`user_id` bigint unsigned NOT NULL,
	`kind` varchar(10) NOT NULL,
	`actor_id` bigint unsigned NOT NULL,
	`subject_id` bigint unsigned NOT NULL,
	`source_id` bigint unsigned,
	`group_id` bigint unsigned,
	`created_at` datetime(3) NOT NULL DEFAULT (now(3)),
	CONSTRAINT `notifications_items_id` PRIMARY KEY(`id`),
	CONSTRAINT `notifications_items_cause` UNIQUE(`user_id`,`kind`,`actor_id`,`subject_id`)
);
--> statement-breakpoint
CREATE TABLE `notifications_states` (
	`user_id` bigint unsigned NOT NULL,
	`read_up_to` bigint unsigned NOT NULL DEFAULT 0,
	CONSTRAINT `notifications_states_user_id` PRIMARY KEY(`user_id`)
);
--> statement-breakpoint
ALTER TABLE `notifications_groups` ADD CONSTRAINT `notifications_groups_user_id_users_id_fk` FOREIGN KEY (`user_id`) REFERENCES `users`(`id`) ON DELETE cascade ON UPDATE no action;--> statement-breakpoint
ALTER TABLE `notifications_groups` ADD CONSTRAINT `notifications_groups_tweet_id_tweets_id_fk` FOREIGN KEY (`tweet_id`) REFERENCES `tweets`(`id`) ON DELETE cascade ON UPDATE no action;--> statement-breakpoint
ALTER TABLE `notifications_items` ADD CONSTRAINT `notifications_items_user_id_users_id_fk` FOREIGN KEY (`user_id`) REFERENCES `users`(`id`) ON DELETE cascade ON UPDATE no action;--> statement-breakpoint
ALTER TABLE `notifications_items` ADD CONSTRAINT `notifications_items_actor_id_users_id_fk` FOREIGN KEY (`actor_id`) REFERENCES `users`(`id`) ON DELETE cascade ON UPDATE no action;--> statement-breakpoint
ALTER TABLE `notifications_items` ADD CONSTRAINT `notifications_items_group_id_notifications_groups_id_fk` FOREIGN KEY (`group_id`) REFERENCES `notifications_groups`(`id`) ON DELETE cascade ON UPDATE no action;--> statement-breakpoint
ALTER TABLE `notifications_states` ADD CONSTRAINT `notifications_states_user_id_users_id_fk` FOREIGN KEY (`user_id`) REFERENCES `users`(`id`) ON DELETE cascade ON UPDATE no action;--> statement-breakpoint
CREATE INDEX `notifications_groups_open` ON `notifications_groups` (`user_id`,`kind`,`tweet_id`,`id`);--> statement-breakpoint
CREATE INDEX `notifications_groups_age` ON `notifications_groups` (`latest_at`);--> statement-breakpoint
CREATE INDEX `notifications_items_group` ON `notifications_items` (`group_id`,`id`);--> statement-breakpoint
CREATE INDEX `notifications_items_source` ON `notifications_items` (`source_id`);