ALTER TABLE `revoked_sessions` ADD `revoked_at` datetime(3) DEFAULT (now(3)) NOT NULL;--> statement-breakpoint
CREATE INDEX `revoked_sessions_revoked` ON `revoked_sessions` (`revoked_at`);