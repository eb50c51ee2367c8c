CREATE TABLE `moderation_acts` (
	`id` bigint unsigned AUTO_INCREMENT NOT NULL,
	`actor_id` bigint unsigned,
	`act` varchar(30) CHARACTER SET utf8mb4 COLLATE utf8mb4_bin NOT NULL,
	`target_kind` varchar(20) CHARACTER SET utf8mb4 COLLATE utf8mb4_bin NOT NULL,
	`target_id` bigint unsigned NOT NULL,
	`account_id` bigint unsigned,
	`created_at` datetime(3) NOT NULL DEFAULT (now(3)),
	CONSTRAINT `moderation_acts_id` PRIMARY KEY(`id`)
);
--> statement-breakpoint
CREATE TABLE `moderation_appeals` (
	`id` bigint unsigned AUTO_INCREMENT NOT NULL,
	`act_id` bigint unsigned NOT NULL,
	`account_id` bigint unsigned NOT NULL,
	`text` varchar(1000) CHARACTER SET utf8mb4 COLLATE utf8mb4_bin NOT NULL,
	`created_at` datetime(3) NOT NULL DEFAULT (now(3)),
	`open` tinyint DEFAULT 1,
	`outcome` varchar(10) CHARACTER SET utf8mb4 COLLATE utf8mb4_bin,
	`answer` varchar(1000) CHARACTER SET utf8mb4 COLLATE utf8mb4_bin,
	`answered_at` datetime(3),
	CONSTRAINT `moderation_appeals_id` PRIMARY KEY(`id`),
	CONSTRAINT `moderation_appeals_act` UNIQUE(`act_id`)
);
--> statement-breakpoint
CREATE TABLE `moderation_reasons` (
	`act_id` bigint unsigned NOT NULL,
	`account_id` bigint unsigned,
	`reason` varchar(1000) CHARACTER SET utf8mb4 COLLATE utf8mb4_bin NOT NULL,
	CONSTRAINT `moderation_reasons_act_id` PRIMARY KEY(`act_id`)
);
--> statement-breakpoint
CREATE TABLE `moderation_reports` (
	`id` bigint unsigned AUTO_INCREMENT NOT NULL,
	`reporter_id` bigint unsigned NOT NULL,
	`target_kind` varchar(20) CHARACTER SET utf8mb4 COLLATE utf8mb4_bin NOT NULL,
	`target_id` bigint unsigned NOT NULL,
	`account_id` bigint unsigned NOT NULL,
	`category` varchar(20) CHARACTER SET utf8mb4 COLLATE utf8mb4_bin NOT NULL,
	`text` varchar(1000) CHARACTER SET utf8mb4 COLLATE utf8mb4_bin NOT NULL,
	`created_at` datetime(3) NOT NULL DEFAULT (now(3)),
	`open` tinyint DEFAULT 1,
	`closed_at` datetime(3),
	`act_id` bigint unsigned,
	CONSTRAINT `moderation_reports_id` PRIMARY KEY(`id`),
	CONSTRAINT `moderation_reports_once` UNIQUE(`reporter_id`,`target_kind`,`target_id`,`open`)
);
--> statement-breakpoint
ALTER TABLE `users` ADD `role` varchar(10) CHARACTER SET utf8mb4 COLLATE utf8mb4_bin DEFAULT 'user' NOT NULL;--> statement-breakpoint
ALTER TABLE `users` ADD `suspended_at` datetime(3);--> statement-breakpoint
ALTER TABLE `users` ADD `limited_at` datetime(3);--> statement-breakpoint
ALTER TABLE `users` ADD `hidden_at` datetime(3) GENERATED ALWAYS AS (COALESCE(deleted_at, suspended_at)) VIRTUAL;--> statement-breakpoint
ALTER TABLE `moderation_appeals` ADD CONSTRAINT `moderation_appeals_account_id_users_id_fk` FOREIGN KEY (`account_id`) REFERENCES `users`(`id`) ON DELETE cascade ON UPDATE no action;--> statement-breakpoint
ALTER TABLE `moderation_reports` ADD CONSTRAINT `moderation_reports_reporter_id_users_id_fk` FOREIGN KEY (`reporter_id`) REFERENCES `users`(`id`) ON DELETE cascade ON UPDATE no action;--> statement-breakpoint
ALTER TABLE `moderation_reports` ADD CONSTRAINT `moderation_reports_account_id_users_id_fk` FOREIGN KEY (`account_id`) REFERENCES `users`(`id`) ON DELETE cascade ON UPDATE no action;--> statement-breakpoint
CREATE INDEX `moderation_acts_account` ON `moderation_acts` (`account_id`,`id`);--> statement-breakpoint
CREATE INDEX `moderation_acts_actor` ON `moderation_acts` (`actor_id`,`id`);--> statement-breakpoint
CREATE INDEX `moderation_appeals_open` ON `moderation_appeals` (`open`,`id`);--> statement-breakpoint
CREATE INDEX `moderation_appeals_account` ON `moderation_appeals` (`account_id`,`id`);--> statement-breakpoint
CREATE INDEX `moderation_reasons_account` ON `moderation_reasons` (`account_id`);--> statement-breakpoint
CREATE INDEX `moderation_reports_open` ON `moderation_reports` (`open`,`id`);--> statement-breakpoint
CREATE INDEX `moderation_reports_account` ON `moderation_reports` (`account_id`,`open`);--> statement-breakpoint
CREATE INDEX `users_role` ON `users` (`role`);