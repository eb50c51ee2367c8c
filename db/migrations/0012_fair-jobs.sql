DROP INDEX `jobs_due` ON `jobs`;--> statement-breakpoint
ALTER TABLE `jobs` ADD `account` bigint unsigned;--> statement-breakpoint
ALTER TABLE `jobs` ADD `level` tinyint DEFAULT 0 NOT NULL;--> statement-breakpoint
CREATE INDEX `jobs_due` ON `jobs` (`name`,`level`,`dead_at`,`run_at`);