CREATE TABLE `recovery_codes` (
	`user_id` bigint unsigned NOT NULL,
	`hash` binary(32) NOT NULL,
	CONSTRAINT `recovery_codes_user_id_hash_pk` PRIMARY KEY(`user_id`,`hash`)
);
--> statement-breakpoint
CREATE TABLE `second_factors` (
	`user_id` bigint unsigned NOT NULL,
	`sealed` varchar(255) CHARACTER SET utf8mb4 COLLATE utf8mb4_bin NOT NULL,
	`last_step` bigint unsigned NOT NULL DEFAULT 0,
	`created_at` datetime(3) NOT NULL DEFAULT (now(3)),
	`confirmed_at` datetime(3),
	CONSTRAINT `second_factors_user_id` PRIMARY KEY(`user_id`)
);
--> statement-breakpoint
ALTER TABLE `recovery_codes` ADD CONSTRAINT `recovery_codes_user_id_users_id_fk` FOREIGN KEY (`user_id`) REFERENCES `users`(`id`) ON DELETE cascade ON UPDATE no action;--> statement-breakpoint
ALTER TABLE `second_factors` ADD CONSTRAINT `second_factors_user_id_users_id_fk` FOREIGN KEY (`user_id`) REFERENCES `users`(`id`) ON DELETE cascade ON UPDATE no action;--> statement-breakpoint
UPDATE `sessions` SET `expires_at` = LEAST(`expires_at`, `last_used_at` + INTERVAL 30 DAY, `created_at` + INTERVAL 90 DAY);
