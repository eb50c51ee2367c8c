CREATE TABLE `resting_handles` (
	`hash` binary(32) NOT NULL,
	`owner_id` bigint unsigned,
	`until` datetime(3) NOT NULL,
	CONSTRAINT `resting_handles_hash` PRIMARY KEY(`hash`)
);
--> statement-breakpoint
ALTER TABLE `resting_handles` ADD CONSTRAINT `resting_handles_owner_id_users_id_fk` FOREIGN KEY (`owner_id`) REFERENCES `users`(`id`) ON DELETE set null ON UPDATE no action;--> statement-breakpoint
CREATE INDEX `resting_handles_owner` ON `resting_handles` (`owner_id`,`until`);--> statement-breakpoint
CREATE INDEX `resting_handles_until` ON `resting_handles` (`until`);