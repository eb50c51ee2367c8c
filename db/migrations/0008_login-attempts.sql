CREATE TABLE `login_attempts` (
	`subject` bigint NOT NULL,
	`network` varchar(45) CHARACTER SET utf8mb4 COLLATE utf8mb4_bin NOT NULL,
	`failures` int unsigned NOT NULL,
	`wait_until` datetime(3) NOT NULL,
	`changed_at` datetime(3) NOT NULL DEFAULT (now(3)),
	CONSTRAINT `login_attempts_subject_network_pk` PRIMARY KEY(`subject`,`network`)
);
--> statement-breakpoint
CREATE INDEX `login_attempts_changed` ON `login_attempts` (`changed_at`);