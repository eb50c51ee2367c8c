CREATE TABLE `mastodon_apps` (
	`id` bigint unsigned AUTO_INCREMENT NOT NULL,
	`client_id` varchar(43) CHARACTER SET utf8mb4 COLLATE utf8mb4_bin NOT NULL,
	`secret_hash` binary(32) NOT NULL,
	`name` varchar(100) CHARACTER SET utf8mb4 COLLATE utf8mb4_bin NOT NULL,
	`website` varchar(2000) CHARACTER SET utf8mb4 COLLATE utf8mb4_bin,
	`redirect_uris` mediumtext CHARACTER SET utf8mb4 COLLATE utf8mb4_bin NOT NULL,
	`scopes` varchar(1000) CHARACTER SET utf8mb4 COLLATE utf8mb4_bin NOT NULL,
	`created_at` datetime(3) NOT NULL DEFAULT (now(3)),
	CONSTRAINT `mastodon_apps_id` PRIMARY KEY(`id`),
	CONSTRAINT `mastodon_apps_client` UNIQUE(`client_id`)
);
--> statement-breakpoint
CREATE TABLE `mastodon_codes` (
	`hash` binary(32) NOT NULL,
	`is_consent` boolean NOT NULL,
	`app_id` bigint unsigned NOT NULL,
	`user_id` bigint unsigned NOT NULL,
	`redirect_uri` varchar(2000) CHARACTER SET utf8mb4 COLLATE utf8mb4_bin NOT NULL,
	`scopes` varchar(1000) CHARACTER SET utf8mb4 COLLATE utf8mb4_bin NOT NULL,
	`challenge` varchar(128) CHARACTER SET utf8mb4 COLLATE utf8mb4_bin,
	`spent_at` datetime(3),
	`session_id` bigint unsigned,
	`expires_at` datetime(3) NOT NULL,
	CONSTRAINT `mastodon_codes_hash` PRIMARY KEY(`hash`)
);
--> statement-breakpoint
CREATE TABLE `mastodon_markers` (
	`user_id` bigint unsigned NOT NULL,
	`timeline` varchar(20) CHARACTER SET utf8mb4 COLLATE utf8mb4_bin NOT NULL,
	`last_read_id` varchar(20) CHARACTER SET utf8mb4 COLLATE utf8mb4_bin NOT NULL,
	`version` int NOT NULL DEFAULT 1,
	`updated_at` datetime(3) NOT NULL DEFAULT (now(3)),
	CONSTRAINT `mastodon_markers_user_id_timeline_pk` PRIMARY KEY(`user_id`,`timeline`)
);
--> statement-breakpoint
CREATE TABLE `mastodon_tokens` (
	`hash` binary(32) NOT NULL,
	`app_id` bigint unsigned NOT NULL,
	`user_id` bigint unsigned,
	`session_id` bigint unsigned,
	`scopes` varchar(1000) CHARACTER SET utf8mb4 COLLATE utf8mb4_bin NOT NULL,
	`created_at` datetime(3) NOT NULL DEFAULT (now(3)),
	CONSTRAINT `mastodon_tokens_hash` PRIMARY KEY(`hash`)
);
--> statement-breakpoint
ALTER TABLE `mastodon_codes` ADD CONSTRAINT `mastodon_codes_app_id_mastodon_apps_id_fk` FOREIGN KEY (`app_id`) REFERENCES `mastodon_apps`(`id`) ON DELETE cascade ON UPDATE no action;--> statement-breakpoint
ALTER TABLE `mastodon_codes` ADD CONSTRAINT `mastodon_codes_user_id_users_id_fk` FOREIGN KEY (`user_id`) REFERENCES `users`(`id`) ON DELETE cascade ON UPDATE no action;--> statement-breakpoint
ALTER TABLE `mastodon_markers` ADD CONSTRAINT `mastodon_markers_user_id_users_id_fk` FOREIGN KEY (`user_id`) REFERENCES `users`(`id`) ON DELETE cascade ON UPDATE no action;--> statement-breakpoint
ALTER TABLE `mastodon_tokens` ADD CONSTRAINT `mastodon_tokens_app_id_mastodon_apps_id_fk` FOREIGN KEY (`app_id`) REFERENCES `mastodon_apps`(`id`) ON DELETE cascade ON UPDATE no action;--> statement-breakpoint
ALTER TABLE `mastodon_tokens` ADD CONSTRAINT `mastodon_tokens_user_id_users_id_fk` FOREIGN KEY (`user_id`) REFERENCES `users`(`id`) ON DELETE cascade ON UPDATE no action;--> statement-breakpoint
CREATE INDEX `mastodon_codes_expires` ON `mastodon_codes` (`expires_at`);--> statement-breakpoint
CREATE INDEX `mastodon_tokens_session` ON `mastodon_tokens` (`session_id`);