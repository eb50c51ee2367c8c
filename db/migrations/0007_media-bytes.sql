ALTER TABLE `media` ADD `bytes` int DEFAULT 0 NOT NULL;--> statement-breakpoint
CREATE INDEX `media_usage` ON `media` (`owner_id`,`bytes`);--> statement-breakpoint
DROP INDEX `media_owner` ON `media`;