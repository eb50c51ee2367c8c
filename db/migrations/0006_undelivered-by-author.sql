DROP INDEX `tweets_undelivered` ON `tweets`;--> statement-breakpoint
CREATE INDEX `tweets_undelivered` ON `tweets` (`undelivered`,`author_id`);