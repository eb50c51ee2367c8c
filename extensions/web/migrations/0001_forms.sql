CREATE TABLE `web_forms` (
	`hash` binary(32) NOT NULL,
	`outcome` varchar(2000) CHARACTER SET utf8mb4 COLLATE utf8mb4_bin,
	`created_at` datetime(3) NOT NULL DEFAULT (now(3)),
	CONSTRAINT `web_forms_hash` PRIMARY KEY(`hash`)
);
