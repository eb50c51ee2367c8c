CREATE TABLE `mastodon_profiles` (
	`user_id` bigint unsigned NOT NULL,
	`fields` mediumtext CHARACTER SET utf8mb4 COLLATE utf8mb4_bin NOT NULL,
	`is_bot` boolean NOT NULL,
	`is_discoverable` boolean NOT NULL,
	`language` varchar(20) CHARACTER SET utf8mb4 COLLATE utf8mb4_bin,
	CONSTRAINT `mastodon_profiles_user_id` PRIMARY KEY(`user_id`)
);
--> statement-breakpoint
ALTER TABLE `mastodon_profiles` ADD CONSTRAINT `mastodon_profiles_user_id_users_id_fk` FOREIGN KEY (`user_id`) REFERENCES `users`(`id`) ON DELETE cascade ON UPDATE no action;