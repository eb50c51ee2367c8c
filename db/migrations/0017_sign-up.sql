CREATE TABLE `invitation_uses` (
	`user_id` bigint unsigned NOT NULL,
	`invitation_id` bigint unsigned NOT NULL,
	CONSTRAINT `invitation_uses_user_id` PRIMARY KEY(`user_id`)
);
--> statement-breakpoint
CREATE TABLE `invitations` (
	`id` bigint unsigned AUTO_INCREMENT NOT NULL,
	`hash` binary(32) NOT NULL,
	`author_id` bigint unsigned,
	`uses` int unsigned NOT NULL,
	`uses_left` int unsigned NOT NULL,
	`created_at` datetime(3) NOT NULL DEFAULT (now(3)),
	`expires_at` datetime(3) NOT NULL,
	`revoked_at` datetime(3),
	CONSTRAINT `invitations_id` PRIMARY KEY(`id`),
	CONSTRAINT `invitations_hash` UNIQUE(`hash`)
);
--> statement-breakpoint
ALTER TABLE `users` ADD `waiting_since` datetime(3);--> statement-breakpoint
ALTER TABLE `users` MODIFY COLUMN `hidden_at` datetime(3) GENERATED ALWAYS AS (COALESCE(deleted_at, suspended_at, waiting_since)) VIRTUAL;--> statement-breakpoint
ALTER TABLE `invitation_uses` ADD CONSTRAINT `invitation_uses_user_id_users_id_fk` FOREIGN KEY (`user_id`) REFERENCES `users`(`id`) ON DELETE cascade ON UPDATE no action;--> statement-breakpoint
ALTER TABLE `invitation_uses` ADD CONSTRAINT `invitation_uses_invitation_id_invitations_id_fk` FOREIGN KEY (`invitation_id`) REFERENCES `invitations`(`id`) ON DELETE no action ON UPDATE no action;--> statement-breakpoint
CREATE INDEX `invitation_uses_invitation` ON `invitation_uses` (`invitation_id`);--> statement-breakpoint
CREATE INDEX `users_waiting` ON `users` (`waiting_since`);
--> statement-breakpoint
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
--> statement-breakpoint
CREATE TABLE `accepted_terms` (
	`user_id` bigint unsigned NOT NULL,
	`version` varchar(40) CHARACTER SET utf8mb4 COLLATE utf8mb4_bin NOT NULL,
	`accepted_at` datetime(3) NOT NULL DEFAULT (now(3)),
	CONSTRAINT `accepted_terms_user_id_version_pk` PRIMARY KEY(`user_id`,`version`)
);
--> statement-breakpoint
ALTER TABLE `accepted_terms` ADD CONSTRAINT `accepted_terms_user_id_users_id_fk` FOREIGN KEY (`user_id`) REFERENCES `users`(`id`) ON DELETE cascade ON UPDATE no action;