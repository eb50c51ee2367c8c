CREATE TABLE `sign_up_blocks` (
	`id` bigint unsigned AUTO_INCREMENT NOT NULL,
	`kind` varchar(10) CHARACTER SET utf8mb4 COLLATE utf8mb4_bin NOT NULL,
	`value` varchar(253) CHARACTER SET utf8mb4 COLLATE utf8mb4_bin NOT NULL,
	`first` varchar(33) CHARACTER SET utf8mb4 COLLATE utf8mb4_bin,
	`last` varchar(33) CHARACTER SET utf8mb4 COLLATE utf8mb4_bin,
	`reason` varchar(1000) CHARACTER SET utf8mb4 COLLATE utf8mb4_bin NOT NULL,
	`created_at` datetime(3) NOT NULL DEFAULT (now(3)),
	`active` tinyint DEFAULT 1,
	CONSTRAINT `sign_up_blocks_id` PRIMARY KEY(`id`),
	CONSTRAINT `sign_up_blocks_once` UNIQUE(`kind`,`value`,`active`)
);
--> statement-breakpoint
CREATE INDEX `sign_up_blocks_range` ON `sign_up_blocks` (`active`,`first`,`last`);