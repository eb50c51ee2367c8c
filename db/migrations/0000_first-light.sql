CREATE TABLE `blocks` (
	`blocker_id` bigint unsigned NOT NULL,
	`blocked_id` bigint unsigned NOT NULL,
	`id` bigint unsigned AUTO_INCREMENT NOT NULL,
	`created_at` datetime(3) NOT NULL DEFAULT (now(3)),
	CONSTRAINT `blocks_blocker_id_blocked_id_pk` PRIMARY KEY(`blocker_id`,`blocked_id`),
	CONSTRAINT `blocks_id` UNIQUE(`id`)
);
--> statement-breakpoint
CREATE TABLE `follows` (
	`follower_id` bigint unsigned NOT NULL,
	`followee_id` bigint unsigned NOT NULL,
	`id` bigint unsigned AUTO_INCREMENT NOT NULL,
	`created_at` datetime(3) NOT NULL DEFAULT (now(3)),
	CONSTRAINT `follows_follower_id_followee_id_pk` PRIMARY KEY(`follower_id`,`followee_id`),
	CONSTRAINT `follows_id` UNIQUE(`id`)
);
--> statement-breakpoint
CREATE TABLE `mutes` (
	`muter_id` bigint unsigned NOT NULL,
	`muted_id` bigint unsigned NOT NULL,
	`id` bigint unsigned AUTO_INCREMENT NOT NULL,
	`created_at` datetime(3) NOT NULL DEFAULT (now(3)),
	CONSTRAINT `mutes_muter_id_muted_id_pk` PRIMARY KEY(`muter_id`,`muted_id`),
	CONSTRAINT `mutes_id` UNIQUE(`id`)
);
--> statement-breakpoint
CREATE TABLE `idempotency_keys` (
	`user_id` bigint unsigned NOT NULL,
	`key` varchar(255) CHARACTER SET utf8mb4 COLLATE utf8mb4_bin NOT NULL,
	`request_hash` binary(32) NOT NULL,
	`answer` mediumtext CHARACTER SET utf8mb4 COLLATE utf8mb4_bin NOT NULL,
	`created_at` datetime(3) NOT NULL DEFAULT (now(3)),
	CONSTRAINT `idempotency_keys_user_id_key_pk` PRIMARY KEY(`user_id`,`key`)
);
--> statement-breakpoint
CREATE TABLE `jobs` (
	`id` bigint unsigned AUTO_INCREMENT NOT NULL,
	`name` varchar(100) CHARACTER SET utf8mb4 COLLATE utf8mb4_bin NOT NULL,
	`payload` mediumtext CHARACTER SET utf8mb4 COLLATE utf8mb4_bin NOT NULL,
	`progress` mediumtext CHARACTER SET utf8mb4 COLLATE utf8mb4_bin,
	`unique_key` varchar(100) CHARACTER SET utf8mb4 COLLATE utf8mb4_bin,
	`run_at` datetime(3) NOT NULL,
	`token` varchar(36) CHARACTER SET utf8mb4 COLLATE utf8mb4_bin,
	`attempts` int NOT NULL DEFAULT 0,
	`error` varchar(1000) CHARACTER SET utf8mb4 COLLATE utf8mb4_bin,
	`dead_at` datetime(3),
	`created_at` datetime(3) NOT NULL DEFAULT (now(3)),
	CONSTRAINT `jobs_id` PRIMARY KEY(`id`),
	CONSTRAINT `jobs_unique_key` UNIQUE(`unique_key`)
);
--> statement-breakpoint
CREATE TABLE `refresh_tokens` (
	`hash` binary(32) NOT NULL,
	`session_id` bigint unsigned NOT NULL,
	`spent_at` datetime(3),
	CONSTRAINT `refresh_tokens_hash` PRIMARY KEY(`hash`)
);
--> statement-breakpoint
CREATE TABLE `revoked_sessions` (
	`session_id` bigint unsigned NOT NULL,
	`until` datetime(3) NOT NULL,
	CONSTRAINT `revoked_sessions_session_id` PRIMARY KEY(`session_id`)
);
--> statement-breakpoint
CREATE TABLE `sessions` (
	`id` bigint unsigned AUTO_INCREMENT NOT NULL,
	`user_id` bigint unsigned NOT NULL,
	`ip` varchar(45) CHARACTER SET utf8mb4 COLLATE utf8mb4_bin NOT NULL,
	`user_agent` varchar(255) CHARACTER SET utf8mb4 COLLATE utf8mb4_bin NOT NULL,
	`created_at` datetime(3) NOT NULL DEFAULT (now(3)),
	`last_used_at` datetime(3) NOT NULL DEFAULT (now(3)),
	`expires_at` datetime(3) NOT NULL,
	`access_until` datetime(3) NOT NULL,
	CONSTRAINT `sessions_id` PRIMARY KEY(`id`)
);
--> statement-breakpoint
CREATE TABLE `likes` (
	`user_id` bigint unsigned NOT NULL,
	`tweet_id` bigint unsigned NOT NULL,
	`id` bigint unsigned AUTO_INCREMENT NOT NULL,
	`created_at` datetime(3) NOT NULL DEFAULT (now(3)),
	CONSTRAINT `likes_user_id_tweet_id_pk` PRIMARY KEY(`user_id`,`tweet_id`),
	CONSTRAINT `likes_id` UNIQUE(`id`)
);
--> statement-breakpoint
CREATE TABLE `tweet_count_deltas` (
	`tweet_id` bigint unsigned NOT NULL,
	`id` bigint unsigned AUTO_INCREMENT NOT NULL,
	`likes` int NOT NULL DEFAULT 0,
	`retweets` int NOT NULL DEFAULT 0,
	`replies` int NOT NULL DEFAULT 0,
	CONSTRAINT `tweet_count_deltas_tweet_id_id_pk` PRIMARY KEY(`tweet_id`,`id`),
	CONSTRAINT `tweet_count_deltas_id` UNIQUE(`id`)
);
--> statement-breakpoint
CREATE TABLE `tweet_counts` (
	`tweet_id` bigint unsigned NOT NULL,
	`likes` int NOT NULL DEFAULT 0,
	`retweets` int NOT NULL DEFAULT 0,
	`replies` int NOT NULL DEFAULT 0,
	CONSTRAINT `tweet_counts_tweet_id` PRIMARY KEY(`tweet_id`)
);
--> statement-breakpoint
CREATE TABLE `tweets` (
	`id` bigint unsigned AUTO_INCREMENT NOT NULL,
	`author_id` bigint unsigned NOT NULL,
	`text` varchar(300) CHARACTER SET utf8mb4 COLLATE utf8mb4_bin,
	`reply_to_id` bigint unsigned,
	`retweet_of_id` bigint unsigned,
	`created_at` datetime(3) NOT NULL DEFAULT (now(3)),
	`deleted_at` datetime(3),
	CONSTRAINT `tweets_id` PRIMARY KEY(`id`),
	CONSTRAINT `tweets_retweet` UNIQUE(`retweet_of_id`,`author_id`)
);
--> statement-breakpoint
CREATE TABLE `user_count_deltas` (
	`user_id` bigint unsigned NOT NULL,
	`id` bigint unsigned AUTO_INCREMENT NOT NULL,
	`followers` int NOT NULL DEFAULT 0,
	`followees` int NOT NULL DEFAULT 0,
	`tweets` int NOT NULL DEFAULT 0,
	CONSTRAINT `user_count_deltas_user_id_id_pk` PRIMARY KEY(`user_id`,`id`),
	CONSTRAINT `user_count_deltas_id` UNIQUE(`id`)
);
--> statement-breakpoint
CREATE TABLE `user_counts` (
	`user_id` bigint unsigned NOT NULL,
	`followers` int NOT NULL DEFAULT 0,
	`followees` int NOT NULL DEFAULT 0,
	`tweets` int NOT NULL DEFAULT 0,
	CONSTRAINT `user_counts_user_id` PRIMARY KEY(`user_id`)
);
--> statement-breakpoint
CREATE TABLE `users` (
	`id` bigint unsigned AUTO_INCREMENT NOT NULL,
	`handle` varchar(30) CHARACTER SET utf8mb4 COLLATE utf8mb4_bin,
	`email` varchar(254) CHARACTER SET utf8mb4 COLLATE utf8mb4_bin,
	`name` varchar(50) CHARACTER SET utf8mb4 COLLATE utf8mb4_bin NOT NULL,
	`profile` varchar(2000) CHARACTER SET utf8mb4 COLLATE utf8mb4_bin NOT NULL,
	`password_hash` varchar(255) CHARACTER SET utf8mb4 COLLATE utf8mb4_bin NOT NULL,
	`avatar_key` varchar(64) CHARACTER SET utf8mb4 COLLATE utf8mb4_bin,
	`created_at` datetime(3) NOT NULL DEFAULT (now(3)),
	`deleted_at` datetime(3),
	CONSTRAINT `users_id` PRIMARY KEY(`id`),
	CONSTRAINT `users_handle` UNIQUE(`handle`),
	CONSTRAINT `users_email` UNIQUE(`email`)
);
--> statement-breakpoint
ALTER TABLE `blocks` ADD CONSTRAINT `blocks_blocker_id_users_id_fk` FOREIGN KEY (`blocker_id`) REFERENCES `users`(`id`) ON DELETE no action ON UPDATE no action;--> statement-breakpoint
ALTER TABLE `blocks` ADD CONSTRAINT `blocks_blocked_id_users_id_fk` FOREIGN KEY (`blocked_id`) REFERENCES `users`(`id`) ON DELETE no action ON UPDATE no action;--> statement-breakpoint
ALTER TABLE `follows` ADD CONSTRAINT `follows_follower_id_users_id_fk` FOREIGN KEY (`follower_id`) REFERENCES `users`(`id`) ON DELETE no action ON UPDATE no action;--> statement-breakpoint
ALTER TABLE `follows` ADD CONSTRAINT `follows_followee_id_users_id_fk` FOREIGN KEY (`followee_id`) REFERENCES `users`(`id`) ON DELETE no action ON UPDATE no action;--> statement-breakpoint
ALTER TABLE `mutes` ADD CONSTRAINT `mutes_muter_id_users_id_fk` FOREIGN KEY (`muter_id`) REFERENCES `users`(`id`) ON DELETE no action ON UPDATE no action;--> statement-breakpoint
ALTER TABLE `mutes` ADD CONSTRAINT `mutes_muted_id_users_id_fk` FOREIGN KEY (`muted_id`) REFERENCES `users`(`id`) ON DELETE no action ON UPDATE no action;--> statement-breakpoint
ALTER TABLE `idempotency_keys` ADD CONSTRAINT `idempotency_keys_user_id_users_id_fk` FOREIGN KEY (`user_id`) REFERENCES `users`(`id`) ON DELETE no action ON UPDATE no action;--> statement-breakpoint
ALTER TABLE `refresh_tokens` ADD CONSTRAINT `refresh_tokens_session_id_sessions_id_fk` FOREIGN KEY (`session_id`) REFERENCES `sessions`(`id`) ON DELETE cascade ON UPDATE no action;--> statement-breakpoint
ALTER TABLE `sessions` ADD CONSTRAINT `sessions_user_id_users_id_fk` FOREIGN KEY (`user_id`) REFERENCES `users`(`id`) ON DELETE no action ON UPDATE no action;--> statement-breakpoint
ALTER TABLE `likes` ADD CONSTRAINT `likes_user_id_users_id_fk` FOREIGN KEY (`user_id`) REFERENCES `users`(`id`) ON DELETE no action ON UPDATE no action;--> statement-breakpoint
ALTER TABLE `likes` ADD CONSTRAINT `likes_tweet_id_tweets_id_fk` FOREIGN KEY (`tweet_id`) REFERENCES `tweets`(`id`) ON DELETE no action ON UPDATE no action;--> statement-breakpoint
ALTER TABLE `tweets` ADD CONSTRAINT `tweets_author_id_users_id_fk` FOREIGN KEY (`author_id`) REFERENCES `users`(`id`) ON DELETE no action ON UPDATE no action;--> statement-breakpoint
ALTER TABLE `tweets` ADD CONSTRAINT `tweets_retweet_of_fk` FOREIGN KEY (`retweet_of_id`) REFERENCES `tweets`(`id`) ON DELETE no action ON UPDATE no action;--> statement-breakpoint
CREATE INDEX `blocks_blocker` ON `blocks` (`blocker_id`,`id`);--> statement-breakpoint
CREATE INDEX `blocks_blocked` ON `blocks` (`blocked_id`,`blocker_id`);--> statement-breakpoint
CREATE INDEX `follows_follower` ON `follows` (`follower_id`,`id`);--> statement-breakpoint
CREATE INDEX `follows_followee` ON `follows` (`followee_id`,`id`);--> statement-breakpoint
CREATE INDEX `mutes_muter` ON `mutes` (`muter_id`,`id`);--> statement-breakpoint
CREATE INDEX `mutes_muted` ON `mutes` (`muted_id`);--> statement-breakpoint
CREATE INDEX `idempotency_keys_age` ON `idempotency_keys` (`created_at`);--> statement-breakpoint
CREATE INDEX `jobs_due` ON `jobs` (`name`,`dead_at`,`run_at`);--> statement-breakpoint
CREATE INDEX `refresh_tokens_session` ON `refresh_tokens` (`session_id`);--> statement-breakpoint
CREATE INDEX `revoked_sessions_until` ON `revoked_sessions` (`until`);--> statement-breakpoint
CREATE INDEX `sessions_user` ON `sessions` (`user_id`,`id`);--> statement-breakpoint
CREATE INDEX `sessions_expires` ON `sessions` (`expires_at`);--> statement-breakpoint
CREATE INDEX `likes_user` ON `likes` (`user_id`,`id`);--> statement-breakpoint
CREATE INDEX `likes_tweet` ON `likes` (`tweet_id`,`id`);--> statement-breakpoint
CREATE INDEX `tweets_author` ON `tweets` (`author_id`,`id`);--> statement-breakpoint
CREATE INDEX `tweets_reply_to` ON `tweets` (`reply_to_id`,`id`);--> statement-breakpoint
CREATE INDEX `users_avatar_key` ON `users` (`avatar_key`);