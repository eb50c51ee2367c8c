ALTER TABLE `notifications_items` ADD `source_id` bigint unsigned;--> statement-breakpoint
CREATE INDEX `notifications_items_source` ON `notifications_items` (`source_id`);