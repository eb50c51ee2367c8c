CREATE TABLE `data_exports` (
	`id` bigint unsigned AUTO_INCREMENT NOT NULL,
	`user_id` bigint unsigned NOT NULL,
	`open` tinyint DEFAULT 1,
	`key` varchar(64) CHARACTER SET utf8mb4 COLLATE utf8mb4_bin,
	`secret` binary(32),
	`parts` int NOT NULL DEFAULT 0,
	`bytes` bigint unsigned NOT NULL DEFAULT 0,
	`created_at` datetime(3) NOT NULL DEFAULT (now(3)),
	`ready_at` datetime(3),
	`expires_at` datetime(3),
	CONSTRAINT `data_exports_id` PRIMARY KEY(`id`),
	CONSTRAINT `data_exports_open` UNIQUE(`user_id`,`open`)
);
--> statement-breakpoint
ALTER TABLE `data_exports` ADD CONSTRAINT `data_exports_user_id_users_id_fk` FOREIGN KEY (`user_id`) REFERENCES `users`(`id`) ON DELETE no action ON UPDATE no action;--> statement-breakpoint
CREATE INDEX `data_exports_user` ON `data_exports` (`user_id`,`id`);--> statement-breakpoint
CREATE INDEX `data_exports_key` ON `data_exports` (`key`);--> statement-breakpoint
CREATE INDEX `data_exports_expires` ON `data_exports` (`expires_at`);--> statement-breakpoint
CREATE INDEX `data_exports_created` ON `data_exports` (`open`,`created_at`);