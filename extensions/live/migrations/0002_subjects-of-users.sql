ALTER TABLE `live_events` DROP INDEX `live_events_subject`;--> statement-breakpoint
ALTER TABLE `live_events` ADD CONSTRAINT `live_events_subject` UNIQUE(`kind`,`subject_id`,`user_id`);