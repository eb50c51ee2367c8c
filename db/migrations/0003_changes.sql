CREATE TABLE `changes` (
	`id` bigint unsigned AUTO_INCREMENT NOT NULL,
	`topic` varchar(40) CHARACTER SET utf8mb4 COLLATE utf8mb4_bin NOT NULL,
	`subject` bigint unsigned NOT NULL,
	`created_at` datetime(3) NOT NULL DEFAULT (now(3)),
	CONSTRAINT `changes_id` PRIMARY KEY(`id`)
);
--> statement-breakpoint
CREATE INDEX `changes_age` ON `changes` (`created_at`);