CREATE TABLE `notifications_budgets` (
	`user_id` bigint unsigned NOT NULL,
	`since` datetime(3) NOT NULL DEFAULT (now(3)),
	`spent` int unsigned NOT NULL,
	CONSTRAINT `notifications_budgets_user_id` PRIMARY KEY(`user_id`)
);
--> statement-breakpoint
ALTER TABLE `notifications_budgets` ADD CONSTRAINT `notifications_budgets_user_id_users_id_fk` FOREIGN KEY (`user_id`) REFERENCES `users`(`id`) ON DELETE cascade ON UPDATE no action;