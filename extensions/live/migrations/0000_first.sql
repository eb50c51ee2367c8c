CREATE TABLE `live_events` (
	`seq` bigint unsigned NOT NULL,
	`kind` varchar(20) NOT NULL,
	`subject_id` bigint unsigned NOT NULL,
	`user_id` bigint unsigned NOT NULL,
	`created_at` datetime(3) NOT NULL DEFAULT (now(3)),
	CONSTRAINT `live_events_seq` PRIMARY KEY(`seq`),
	CONSTRAINT `live_events_subject` UNIQUE(`kind`,`subject_id`)
);
--> statement-breakpoint
CREATE TABLE `live_sequence` (
	`id` tinyint NOT NULL,
	`value` bigint unsigned NOT NULL,
	`purged` bigint unsigned NOT NULL DEFAULT 0,
	CONSTRAINT `live_sequence_id` PRIMARY KEY(`id`)
);
--> statement-breakpoint
ALTER TABLE `live_events` ADD CONSTRAINT `live_events_user_id_users_id_fk` FOREIGN KEY (`user_id`) REFERENCES `users`(`id`) ON DELETE cascade ON UPDATE no action;--> statement-breakpoint
CREATE INDEX `live_events_user` ON `live_events` (`user_id`,`seq`);--> statement-breakpoint
CREATE INDEX `live_events_created` ON `live_events` (`created_at`);