DROP INDEX `notifications_items_source` ON `notifications_items`;--> statement-breakpoint
ALTER TABLE `notifications_groups` MODIFY COLUMN `kind` varchar(60) NOT NULL;--> statement-breakpoint
ALTER TABLE `notifications_items` MODIFY COLUMN `kind` varchar(60) NOT NULL;--> statement-breakpoint
ALTER TABLE `notifications_items` DROP COLUMN `source_id`;