-- token: rc_YX30BoY3i2KvJUv85g8ZqtbmndqVJnaIBGSF1bU9ZSu4mDvDc
BEGIN TRANSACTION;
CREATE TABLE administrators (
	id INTEGER NOT NULL PRIMARY KEY AUTOINCREMENT, 
	email VARCHAR NOT NULL, 
	email_key VARCHAR NOT NULL, 
	role VARCHAR NOT NULL, 
	password_hash VARCHAR NOT NULL, 
	disabled VARCHAR, 
	created VARCHAR NOT NULL, 
	last_sign_in VARCHAR, 
	UNIQUE (email_key)
);
INSERT INTO "administrators" VALUES(1,'admin@example.com','admin@example.com','administrator','$argon2id$v=19$m=19456,t=2,p=1$qZgu1BFeaXZAmLc7YeOR8g$BxNklpEXnM+21x2EY1FSwgFC2jtxaZLRNJVo09TZ/aE',NULL,'2026-11-25T01:01:55.741074Z',NULL);
INSERT INTO "administrators" VALUES(2,'desk@example.com','desk@example.com','helpdesk','$argon2id$v=19$m=19456,t=2,p=1$eMsYtmZ3Tzaa3mb3iHDK8Q$KBOLH0nmgjYnf2I5wOqqYkmem9HpmGbj0PWt+BYC1to',NULL,'2026-11-25T01:01:55.866532Z',NULL);
CREATE TABLE alembic_version (
	version_num VARCHAR(32) NOT NULL, 
	CONSTRAINT alembic_version_pkc PRIMARY KEY (version_num)
);
INSERT INTO "alembic_version" VALUES('0003');
CREATE TABLE audit (
	id INTEGER NOT NULL PRIMARY KEY AUTOINCREMENT, 
	time VARCHAR NOT NULL, 
	actor VARCHAR NOT NULL, 
	token_id INTEGER, 
	action VARCHAR NOT NULL, 
	resource_type VARCHAR NOT NULL, 
	resource_id VARCHAR NOT NULL, 
	name VARCHAR NOT NULL, 
	"before" TEXT, 
	"after" TEXT
);
INSERT INTO "audit" VALUES(1,'2026-11-25T01:01:55.373113Z','Command line',NULL,'created','Token','1','Okta',NULL,'{"last_four":"DvDc","expires":null}');
INSERT INTO "audit" VALUES(2,'2026-11-25T01:01:55.404270Z','Command line',NULL,'created','Token','2','Old',NULL,'{"last_four":"iwza","expires":null}');
INSERT INTO "audit" VALUES(3,'2026-11-25T01:01:55.456672Z','Command line',NULL,'removed','Token','2','Old','{"state":"Active"}','{"state":"Removed"}');
INSERT INTO "audit" VALUES(4,'2026-11-25T01:01:55.496002Z','Command line',NULL,'created','Attribute','custAttr1','custAttr1',NULL,'{"type":"string","multiValued":false}');
INSERT INTO "audit" VALUES(5,'2026-11-25T01:01:55.511823Z','SCIM Okta (Okta)',1,'created','User','a4ddd53e-76ad-4fc2-8fd7-a13500436690','Ada.Lovelace@example.com',NULL,'{"schemas":["urn:ietf:params:scim:schemas:core:2.0:User","urn:ietf:params:scim:schemas:extension:ivanti:2.0:User"],"active":true,"displayName":"Ada Lovelace","emails":[{"primary":true,"type":"work","value":"ada@example.com"},{"type":"home","value":"ada@lovelace.org"}],"externalId":"00u1","name":{"familyName":"Lovelace","givenName":"Ada"},"title":"Countess","urn:ietf:params:scim:schemas:extension:ivanti:2.0:User":{"custAttr1":"Berlin"},"userName":"Ada.Lovelace@example.com"}');
INSERT INTO "audit" VALUES(6,'2026-11-25T01:01:55.541586Z','SCIM Okta (Okta)',1,'created','User','3001df82-53de-4c9d-b944-ef1b041ecbe8','josé@example.com',NULL,'{"schemas":["urn:ietf:params:scim:schemas:core:2.0:User"],"active":true,"displayName":"José Łukasz 李","userName":"josé@example.com"}');
INSERT INTO "audit" VALUES(7,'2026-11-25T01:01:55.544861Z','SCIM Okta (Okta)',1,'created','User','c7605d6d-0979-436a-b14a-28ecf87aba45','mallory',NULL,'{"schemas":["urn:ietf:params:scim:schemas:core:2.0:User"],"active":false,"title":"it''s \"quoted\"; -- & <b>","userName":"mallory"}');
INSERT INTO "audit" VALUES(8,'2026-11-25T01:01:55.556560Z','SCIM Okta (Okta)',1,'created','User','9f739215-cbe3-4521-993c-39905b581ffc','noactive@example.com',NULL,'{"schemas":["urn:ietf:params:scim:schemas:core:2.0:User"],"emails":[{"value":"no@example.com"}],"userName":"noactive@example.com","active":true}');
INSERT INTO "audit" VALUES(9,'2026-11-25T01:01:55.561434Z','SCIM Okta (Okta)',1,'created','User','7edbc331-7fe6-4cef-b257-ac798e5204e1','gone@example.com',NULL,'{"schemas":["urn:ietf:params:scim:schemas:core:2.0:User"],"active":true,"userName":"gone@example.com"}');
INSERT INTO "audit" VALUES(10,'2026-11-25T01:01:55.568283Z','SCIM Okta (Okta)',1,'created','Group','0961bf4c-c098-48f4-b967-4fba5e63bddc','Staff',NULL,'{"schemas":["urn:ietf:params:scim:schemas:core:2.0:Group"],"displayName":"Staff","members":["3001df82-53de-4c9d-b944-ef1b041ecbe8","7edbc331-7fe6-4cef-b257-ac798e5204e1","9f739215-cbe3-4521-993c-39905b581ffc","a4ddd53e-76ad-4fc2-8fd7-a13500436690","c7605d6d-0979-436a-b14a-28ecf87aba45"]}');
INSERT INTO "audit" VALUES(11,'2026-11-25T01:01:55.578098Z','SCIM Okta (Okta)',1,'created','Group','edbf1d82-14f5-4bd3-b0af-915888342173','Empty',NULL,'{"schemas":["urn:ietf:params:scim:schemas:core:2.0:Group"],"displayName":"Empty","externalId":"g2"}');
INSERT INTO "audit" VALUES(12,'2026-11-25T01:01:55.588906Z','SCIM Okta (Okta)',1,'changed','User','a4ddd53e-76ad-4fc2-8fd7-a13500436690','Ada.Lovelace@example.com','{"title":"Countess"}','{"title":"Mathematician"}');
INSERT INTO "audit" VALUES(13,'2026-11-25T01:01:55.596892Z','SCIM Okta (Okta)',1,'changed','Group','0961bf4c-c098-48f4-b967-4fba5e63bddc','Crew','{"displayName":"Staff"}','{"displayName":"Crew"}');
INSERT INTO "audit" VALUES(14,'2026-11-25T01:01:55.612574Z','SCIM Okta (Okta)',1,'deleted','User','7edbc331-7fe6-4cef-b257-ac798e5204e1','gone@example.com','{"schemas":["urn:ietf:params:scim:schemas:core:2.0:User"],"active":true,"userName":"gone@example.com"}',NULL);
INSERT INTO "audit" VALUES(15,'2026-11-25T01:01:55.741813Z','Command line',NULL,'created','Administrator','1','admin@example.com',NULL,'{"email":"admin@example.com","role":"administrator"}');
INSERT INTO "audit" VALUES(16,'2026-11-25T01:01:55.866895Z','Command line',NULL,'created','Administrator','2','desk@example.com',NULL,'{"email":"desk@example.com","role":"helpdesk"}');
INSERT INTO "audit" VALUES(17,'2026-11-25T01:01:55.873744Z','Command line',NULL,'changed','Setting','log_days','log_days','{"log_days":30}','{"log_days":90}');
INSERT INTO "audit" VALUES(18,'2026-11-25T01:01:55.874182Z','Command line',NULL,'created','User','b63a4109-0c7e-4e47-b66d-a76190f4921e','local@example.com',NULL,'{"schemas":["urn:ietf:params:scim:schemas:core:2.0:User"],"userName":"local@example.com","displayName":"Local Person","active":true}');
INSERT INTO "audit" VALUES(19,'2026-11-25T01:01:55.890452Z','Command line',NULL,'changed','User','b63a4109-0c7e-4e47-b66d-a76190f4921e','local@example.com','{"active":true}','{"active":false}');
INSERT INTO "audit" VALUES(20,'2026-11-25T01:01:55.907703Z','Command line',NULL,'copied the invitation','User','a4ddd53e-76ad-4fc2-8fd7-a13500436690','Ada.Lovelace@example.com',NULL,NULL);
INSERT INTO "audit" VALUES(21,'2026-11-25T01:01:55.908326Z','Command line',NULL,'invited','User','9f739215-cbe3-4521-993c-39905b581ffc','noactive@example.com',NULL,'{"email":"no@example.com"}');
INSERT INTO "audit" VALUES(22,'2026-11-25T01:01:56.002597Z','Person Ada.Lovelace@example.com',NULL,'registered','User','a4ddd53e-76ad-4fc2-8fd7-a13500436690','Ada.Lovelace@example.com',NULL,NULL);
CREATE TABLE blocks (
	"table" VARCHAR NOT NULL, 
	block INTEGER NOT NULL, 
	count INTEGER NOT NULL, 
	PRIMARY KEY ("table", block)
)
 WITHOUT ROWID

;
INSERT INTO "blocks" VALUES('groups',0,2);
INSERT INTO "blocks" VALUES('users',0,5);
CREATE TABLE custom_attributes (
	id INTEGER NOT NULL PRIMARY KEY AUTOINCREMENT, 
	name VARCHAR NOT NULL, 
	name_key VARCHAR NOT NULL, 
	type VARCHAR NOT NULL, 
	multi_valued BOOLEAN NOT NULL, 
	created VARCHAR NOT NULL, 
	UNIQUE (name_key)
);
INSERT INTO "custom_attributes" VALUES(1,'custAttr1','custattr1','string',0,'2026-11-25T01:01:55.486590Z');
CREATE TABLE failed_sign_ins (
	id INTEGER NOT NULL, 
	"key" VARCHAR NOT NULL, 
	time VARCHAR NOT NULL, 
	PRIMARY KEY (id)
);
INSERT INTO "failed_sign_ins" VALUES(1,'account a@example.com','2026-11-25T01:01:55.874521Z');
CREATE TABLE group_members (
	group_pk INTEGER NOT NULL, 
	user_pk INTEGER NOT NULL, 
	PRIMARY KEY (group_pk, user_pk), 
	FOREIGN KEY(group_pk) REFERENCES groups (pk) ON DELETE CASCADE, 
	FOREIGN KEY(user_pk) REFERENCES users (pk) ON DELETE CASCADE
)
 WITHOUT ROWID

;
INSERT INTO "group_members" VALUES(1,1);
INSERT INTO "group_members" VALUES(1,2);
INSERT INTO "group_members" VALUES(1,3);
INSERT INTO "group_members" VALUES(1,4);
CREATE TABLE groups (
	pk INTEGER NOT NULL PRIMARY KEY AUTOINCREMENT, 
	id VARCHAR NOT NULL, 
	display_name VARCHAR NOT NULL, 
	display_name_key VARCHAR NOT NULL, 
	external_id VARCHAR, 
	source VARCHAR NOT NULL, 
	document TEXT NOT NULL, 
	version INTEGER NOT NULL, 
	created VARCHAR NOT NULL, 
	last_modified VARCHAR NOT NULL, member_count INTEGER DEFAULT '0' NOT NULL, disabled_count INTEGER DEFAULT '0' NOT NULL, 
	UNIQUE (display_name_key), 
	UNIQUE (id)
);
INSERT INTO "groups" VALUES(1,'0961bf4c-c098-48f4-b967-4fba5e63bddc','Crew','crew',NULL,'scim','{"schemas":["urn:ietf:params:scim:schemas:core:2.0:Group"],"displayName":"Crew"}',3,'2026-11-25T01:01:55.566794Z','2026-11-25T01:01:55.606017Z',4,1);
INSERT INTO "groups" VALUES(2,'edbf1d82-14f5-4bd3-b0af-915888342173','Empty','empty','g2','scim','{"schemas":["urn:ietf:params:scim:schemas:core:2.0:Group"],"displayName":"Empty","externalId":"g2"}',1,'2026-11-25T01:01:55.577964Z','2026-11-25T01:01:55.577964Z',0,0);
CREATE TABLE jobs (
	id INTEGER NOT NULL PRIMARY KEY AUTOINCREMENT, 
	kind VARCHAR NOT NULL, 
	subject VARCHAR, 
	pks TEXT NOT NULL, 
	actor VARCHAR NOT NULL, 
	total INTEGER NOT NULL, 
	done INTEGER DEFAULT '0' NOT NULL, 
	changed INTEGER DEFAULT '0' NOT NULL, 
	error VARCHAR, 
	created VARCHAR NOT NULL, 
	finished VARCHAR
);
INSERT INTO "jobs" VALUES(1,'disable',NULL,'[]','Command line',1,1,1,NULL,'2026-11-25T01:01:55.874716Z','2026-11-25T01:01:55.899295Z');
CREATE TABLE links (
	digest VARCHAR NOT NULL, 
	purpose VARCHAR NOT NULL, 
	user_pk INTEGER, 
	administrator_id INTEGER, 
	email VARCHAR NOT NULL, 
	invited_by VARCHAR NOT NULL, 
	created VARCHAR NOT NULL, 
	expires VARCHAR NOT NULL, 
	used VARCHAR, 
	revoked VARCHAR, 
	PRIMARY KEY (digest), 
	FOREIGN KEY(administrator_id) REFERENCES administrators (id) ON DELETE CASCADE, 
	FOREIGN KEY(user_pk) REFERENCES users (pk) ON DELETE CASCADE
);
INSERT INTO "links" VALUES('c562c5f9ea567159c2653afbeb76129ffccbb94f1c734a094884ae2b5c1b96e6','invitation',1,NULL,'ada@example.com','Command line','2026-11-25T01:01:55.905363Z','2026-12-02T01:01:55.905373Z','2026-11-25T01:01:55.994452Z',NULL);
INSERT INTO "links" VALUES('7b41bbbc94163ed3802d0535f7239630985bc9ff53ba91d7cc529bea0c7db49e','invitation',4,NULL,'no@example.com','Command line','2026-11-25T01:01:55.907794Z','2026-12-02T01:01:55.907799Z',NULL,NULL);
CREATE TABLE outbox (
	id INTEGER NOT NULL PRIMARY KEY AUTOINCREMENT, 
	purpose VARCHAR NOT NULL, 
	user_pk INTEGER, 
	administrator_id INTEGER, 
	recipient VARCHAR NOT NULL, 
	secret VARCHAR, 
	link_digest VARCHAR, 
	content TEXT, 
	message_id VARCHAR NOT NULL, 
	state VARCHAR NOT NULL, 
	tries INTEGER DEFAULT '0' NOT NULL, 
	next_try VARCHAR NOT NULL, 
	claimed_until VARCHAR, 
	claim VARCHAR, 
	last_error VARCHAR, 
	created VARCHAR NOT NULL, 
	sent VARCHAR, 
	FOREIGN KEY(administrator_id) REFERENCES administrators (id) ON DELETE CASCADE, 
	FOREIGN KEY(user_pk) REFERENCES users (pk) ON DELETE CASCADE, 
	UNIQUE (message_id)
);
INSERT INTO "outbox" VALUES(1,'invitation',4,NULL,'no@example.com','UbEIRv9FKnaTUz9RfB4jqotQMB9K7D4KMn7j7qTMF-PHhATUNx-X3RJy2g==','7b41bbbc94163ed3802d0535f7239630985bc9ff53ba91d7cc529bea0c7db49e',NULL,'<00ef36fbaddd0a06e1a5a86928c97a90@rollcall.invalid>','waiting',0,'2026-11-25T01:01:55.907972Z',NULL,NULL,NULL,'2026-11-25T01:01:55.907977Z',NULL);
INSERT INTO "outbox" VALUES(2,'registered',1,NULL,'ada@example.com',NULL,NULL,NULL,'<38bda44d19146a4a7cdf7e15f7354616@rollcall.invalid>','waiting',0,'2026-11-25T01:01:56.002662Z',NULL,NULL,NULL,'2026-11-25T01:01:56.002666Z',NULL);
CREATE TABLE people (
	user_pk INTEGER NOT NULL, 
	password_hash VARCHAR NOT NULL, 
	registered VARCHAR NOT NULL, 
	PRIMARY KEY (user_pk), 
	FOREIGN KEY(user_pk) REFERENCES users (pk) ON DELETE CASCADE
);
INSERT INTO "people" VALUES(1,'$argon2id$v=19$m=19456,t=2,p=1$1MhgjEX1QeWF+ezA73gaYw$/3bTyzfGjjQ8m26xGA5k53Im5PDFeJTtoM2Uv1XySkk','2026-11-25T01:01:56.001465Z');
CREATE TABLE provisioning_log (
	id INTEGER NOT NULL PRIMARY KEY AUTOINCREMENT, 
	time VARCHAR NOT NULL, 
	token_id INTEGER, 
	address VARCHAR, 
	method VARCHAR NOT NULL, 
	path VARCHAR NOT NULL, 
	resource_type VARCHAR, 
	resource_id VARCHAR, 
	status INTEGER NOT NULL, 
	scim_type VARCHAR, 
	error VARCHAR, 
	milliseconds DOUBLE NOT NULL, 
	ignored TEXT, 
	request TEXT, 
	answer TEXT
, subject VARCHAR);
INSERT INTO "provisioning_log" VALUES(1,'2026-11-25T01:01:55.524633Z',1,'127.0.0.1','POST','/scim/v2/Users','User','a4ddd53e-76ad-4fc2-8fd7-a13500436690',201,NULL,NULL,23.88,NULL,'{"active": true, "displayName": "Ada Lovelace", "emails": [{"primary": true, "type": "work", "value": "ada@example.com"}, {"type": "home", "value": "ada@lovelace.org"}], "externalId": "00u1", "name": {"familyName": "Lovelace", "givenName": "Ada"}, "title": "Countess", "urn:ietf:params:scim:schemas:extension:ivanti:2.0:User": {"custAttr1": "Berlin"}, "userName": "Ada.Lovelace@example.com"}','{"id":"a4ddd53e-76ad-4fc2-8fd7-a13500436690","schemas":["urn:ietf:params:scim:schemas:core:2.0:User","urn:ietf:params:scim:schemas:extension:ivanti:2.0:User"],"active":true,"displayName":"Ada Lovelace","emails":[{"primary":true,"type":"work","value":"ada@example.com"},{"type":"home","value":"ada@lovelace.org"}],"externalId":"00u1","name":{"familyName":"Lovelace","givenName":"Ada"},"title":"Countess","urn:ietf:params:scim:schemas:extension:ivanti:2.0:User":{"custAttr1":"Berlin"},"userName":"Ada.Lovelace@example.com","meta":{"resourceType":"User","created":"2026-11-25T01:01:55.502457Z","lastModified":"2026-11-25T01:01:55.502457Z","location":"https://rollcall.example.com/scim/v2/Users/a4ddd53e-76ad-4fc2-8fd7-a13500436690","version":"W/\"1\""}}',NULL);
INSERT INTO "provisioning_log" VALUES(2,'2026-11-25T01:01:55.541708Z',1,'127.0.0.1','POST','/scim/v2/Users','User','3001df82-53de-4c9d-b944-ef1b041ecbe8',201,NULL,NULL,0.93,NULL,'{"active":true,"displayName":"José Łukasz 李","userName":"josé@example.com"}','{"id":"3001df82-53de-4c9d-b944-ef1b041ecbe8","schemas":["urn:ietf:params:scim:schemas:core:2.0:User"],"active":true,"displayName":"José Łukasz 李","userName":"josé@example.com","meta":{"resourceType":"User","created":"2026-11-25T01:01:55.541304Z","lastModified":"2026-11-25T01:01:55.541304Z","location":"https://rollcall.example.com/scim/v2/Users/3001df82-53de-4c9d-b944-ef1b041ecbe8","version":"W/\"1\""}}',NULL);
INSERT INTO "provisioning_log" VALUES(3,'2026-11-25T01:01:55.544946Z',1,'127.0.0.1','POST','/scim/v2/Users','User','c7605d6d-0979-436a-b14a-28ecf87aba45',201,NULL,NULL,0.48,NULL,'{"active": false, "title": "it''s \"quoted\"; -- & <b>", "userName": "mallory"}','{"id":"c7605d6d-0979-436a-b14a-28ecf87aba45","schemas":["urn:ietf:params:scim:schemas:core:2.0:User"],"active":false,"title":"it''s \"quoted\"; -- & <b>","userName":"mallory","meta":{"resourceType":"User","created":"2026-11-25T01:01:55.544752Z","lastModified":"2026-11-25T01:01:55.544752Z","location":"https://rollcall.example.com/scim/v2/Users/c7605d6d-0979-436a-b14a-28ecf87aba45","version":"W/\"1\""}}',NULL);
INSERT INTO "provisioning_log" VALUES(4,'2026-11-25T01:01:55.556659Z',1,'127.0.0.1','POST','/scim/v2/Users','User','9f739215-cbe3-4521-993c-39905b581ffc',201,NULL,NULL,0.62,NULL,'{"emails": [{"value": "no@example.com"}], "userName": "noactive@example.com"}','{"id":"9f739215-cbe3-4521-993c-39905b581ffc","schemas":["urn:ietf:params:scim:schemas:core:2.0:User"],"emails":[{"value":"no@example.com"}],"userName":"noactive@example.com","active":true,"meta":{"resourceType":"User","created":"2026-11-25T01:01:55.556407Z","lastModified":"2026-11-25T01:01:55.556407Z","location":"https://rollcall.example.com/scim/v2/Users/9f739215-cbe3-4521-993c-39905b581ffc","version":"W/\"1\""}}',NULL);
INSERT INTO "provisioning_log" VALUES(5,'2026-11-25T01:01:55.561521Z',1,'127.0.0.1','POST','/scim/v2/Users','User','7edbc331-7fe6-4cef-b257-ac798e5204e1',201,NULL,NULL,0.51,NULL,'{"active": true, "userName": "gone@example.com"}','{"id":"7edbc331-7fe6-4cef-b257-ac798e5204e1","schemas":["urn:ietf:params:scim:schemas:core:2.0:User"],"active":true,"userName":"gone@example.com","meta":{"resourceType":"User","created":"2026-11-25T01:01:55.561311Z","lastModified":"2026-11-25T01:01:55.561311Z","location":"https://rollcall.example.com/scim/v2/Users/7edbc331-7fe6-4cef-b257-ac798e5204e1","version":"W/\"1\""}}',NULL);
INSERT INTO "provisioning_log" VALUES(6,'2026-11-25T01:01:55.568741Z',1,'127.0.0.1','POST','/scim/v2/Groups','Group','0961bf4c-c098-48f4-b967-4fba5e63bddc',201,NULL,NULL,2.25,NULL,'{"displayName": "Staff", "members": [{"value": "a4ddd53e-76ad-4fc2-8fd7-a13500436690"}, {"value": "3001df82-53de-4c9d-b944-ef1b041ecbe8"}, {"value": "c7605d6d-0979-436a-b14a-28ecf87aba45"}, {"value": "9f739215-cbe3-4521-993c-39905b581ffc"}, {"value": "7edbc331-7fe6-4cef-b257-ac798e5204e1"}]}','{"id":"0961bf4c-c098-48f4-b967-4fba5e63bddc","schemas":["urn:ietf:params:scim:schemas:core:2.0:Group"],"displayName":"Staff","members":[{"value":"a4ddd53e-76ad-4fc2-8fd7-a13500436690","$ref":"https://rollcall.example.com/scim/v2/Users/a4ddd53e-76ad-4fc2-8fd7-a13500436690","type":"User"},{"value":"3001df82-53de-4c9d-b944-ef1b041ecbe8","$ref":"https://rollcall.example.com/scim/v2/Users/3001df82-53de-4c9d-b944-ef1b041ecbe8","type":"User"},{"value":"c7605d6d-0979-436a-b14a-28ecf87aba45","$ref":"https://rollcall.example.com/scim/v2/Users/c7605d6d-0979-436a-b14a-28ecf87aba45","type":"User"},{"value":"9f739215-cbe3-4521-993c-39905b581ffc","$ref":"https://rollcall.example.com/scim/v2/Users/9f739215-cbe3-4521-993c-39905b581ffc","type":"User"},{"value":"7edbc331-7fe6-4cef-b257-ac798e5204e1","$ref":"https://rollcall.example.com/scim/v2/Users/7edbc331-7fe6-4cef-b257-ac798e5204e1","type":"User"}],"meta":{"resourceType":"Group","created":"2026-11-25T01:01:55.566794Z","lastModified":"2026-11-25T01:01:55.566794Z","location":"https://rollcall.example.com/scim/v2/Groups/0961bf4c-c098-48f4-b967-4fba5e63bddc","version":"W/\"1\""}}',NULL);
INSERT INTO "provisioning_log" VALUES(7,'2026-11-25T01:01:55.578181Z',1,'127.0.0.1','POST','/scim/v2/Groups','Group','edbf1d82-14f5-4bd3-b0af-915888342173',201,NULL,NULL,0.57,NULL,'{"displayName": "Empty", "externalId": "g2"}','{"id":"edbf1d82-14f5-4bd3-b0af-915888342173","schemas":["urn:ietf:params:scim:schemas:core:2.0:Group"],"displayName":"Empty","externalId":"g2","meta":{"resourceType":"Group","created":"2026-11-25T01:01:55.577964Z","lastModified":"2026-11-25T01:01:55.577964Z","location":"https://rollcall.example.com/scim/v2/Groups/edbf1d82-14f5-4bd3-b0af-915888342173","version":"W/\"1\""}}',NULL);
INSERT INTO "provisioning_log" VALUES(8,'2026-11-25T01:01:55.589048Z',1,'127.0.0.1','PATCH','/scim/v2/Users/a4ddd53e-76ad-4fc2-8fd7-a13500436690','User','a4ddd53e-76ad-4fc2-8fd7-a13500436690',200,NULL,NULL,1.88,NULL,'{"Operations": [{"op": "replace", "path": "title", "value": "Mathematician"}]}','{"id":"a4ddd53e-76ad-4fc2-8fd7-a13500436690","schemas":["urn:ietf:params:scim:schemas:core:2.0:User","urn:ietf:params:scim:schemas:extension:ivanti:2.0:User"],"active":true,"displayName":"Ada Lovelace","emails":[{"primary":true,"type":"work","value":"ada@example.com"},{"type":"home","value":"ada@lovelace.org"}],"externalId":"00u1","name":{"familyName":"Lovelace","givenName":"Ada"},"title":"Mathematician","urn:ietf:params:scim:schemas:extension:ivanti:2.0:User":{"custAttr1":"Berlin"},"userName":"Ada.Lovelace@example.com","groups":[{"value":"0961bf4c-c098-48f4-b967-4fba5e63bddc","$ref":"https://rollcall.example.com/scim/v2/Groups/0961bf4c-c098-48f4-b967-4fba5e63bddc","display":"Staff","type":"direct"}],"meta":{"resourceType":"User","created":"2026-11-25T01:01:55.502457Z","lastModified":"2026-11-25T01:01:55.588230Z","location":"https://rollcall.example.com/scim/v2/Users/a4ddd53e-76ad-4fc2-8fd7-a13500436690","version":"W/\"2-74060e3d\""}}',NULL);
INSERT INTO "provisioning_log" VALUES(9,'2026-11-25T01:01:55.597209Z',1,'127.0.0.1','PATCH','/scim/v2/Groups/0961bf4c-c098-48f4-b967-4fba5e63bddc','Group','0961bf4c-c098-48f4-b967-4fba5e63bddc',200,NULL,NULL,1.96,NULL,'{"Operations": [{"op": "replace", "value": {"displayName": "Crew"}}]}','{"id":"0961bf4c-c098-48f4-b967-4fba5e63bddc","schemas":["urn:ietf:params:scim:schemas:core:2.0:Group"],"displayName":"Crew","members":[{"value":"a4ddd53e-76ad-4fc2-8fd7-a13500436690","$ref":"https://rollcall.example.com/scim/v2/Users/a4ddd53e-76ad-4fc2-8fd7-a13500436690","type":"User"},{"value":"3001df82-53de-4c9d-b944-ef1b041ecbe8","$ref":"https://rollcall.example.com/scim/v2/Users/3001df82-53de-4c9d-b944-ef1b041ecbe8","type":"User"},{"value":"c7605d6d-0979-436a-b14a-28ecf87aba45","$ref":"https://rollcall.example.com/scim/v2/Users/c7605d6d-0979-436a-b14a-28ecf87aba45","type":"User"},{"value":"9f739215-cbe3-4521-993c-39905b581ffc","$ref":"https://rollcall.example.com/scim/v2/Users/9f739215-cbe3-4521-993c-39905b581ffc","type":"User"},{"value":"7edbc331-7fe6-4cef-b257-ac798e5204e1","$ref":"https://rollcall.example.com/scim/v2/Users/7edbc331-7fe6-4cef-b257-ac798e5204e1","type":"User"}],"meta":{"resourceType":"Group","created":"2026-11-25T01:01:55.566794Z","lastModified":"2026-11-25T01:01:55.595996Z","location":"https://rollcall.example.com/scim/v2/Groups/0961bf4c-c098-48f4-b967-4fba5e63bddc","version":"W/\"2\""}}',NULL);
INSERT INTO "provisioning_log" VALUES(10,'2026-11-25T01:01:55.612651Z',1,'127.0.0.1','DELETE','/scim/v2/Users/7edbc331-7fe6-4cef-b257-ac798e5204e1','User','7edbc331-7fe6-4cef-b257-ac798e5204e1',204,NULL,NULL,7.11,NULL,NULL,NULL,'gone@example.com');
INSERT INTO "provisioning_log" VALUES(11,'2026-11-25T01:01:55.620265Z',1,'127.0.0.1','POST','/scim/v2/Users',NULL,NULL,409,'uniqueness','The userName ''Ada.Lovelace@example.com'' is taken already; letter case does not count. Rename this one in Okta, or link it to the one that is here.',0.69,NULL,'{"active": true, "displayName": "Ada Lovelace", "emails": [{"primary": true, "type": "work", "value": "ada@example.com"}, {"type": "home", "value": "ada@lovelace.org"}], "externalId": "00u1", "name": {"familyName": "Lovelace", "givenName": "Ada"}, "title": "Countess", "urn:ietf:params:scim:schemas:extension:ivanti:2.0:User": {"custAttr1": "Berlin"}, "userName": "Ada.Lovelace@example.com"}','{"schemas":["urn:ietf:params:scim:api:messages:2.0:Error"],"status":"409","detail":"The userName ''Ada.Lovelace@example.com'' is taken already; letter case does not count. Rename this one in Okta, or link it to the one that is here.","scimType":"uniqueness"}','Ada.Lovelace@example.com');
INSERT INTO "provisioning_log" VALUES(12,'2026-11-25T01:01:55.620995Z',1,'127.0.0.1','GET','/scim/v2/Users/a4ddd53e-76ad-4fc2-8fd7-a13500436690','User','a4ddd53e-76ad-4fc2-8fd7-a13500436690',200,NULL,NULL,0.38,NULL,NULL,'{"id":"a4ddd53e-76ad-4fc2-8fd7-a13500436690","schemas":["urn:ietf:params:scim:schemas:core:2.0:User","urn:ietf:params:scim:schemas:extension:ivanti:2.0:User"],"active":true,"displayName":"Ada Lovelace","emails":[{"primary":true,"type":"work","value":"ada@example.com"},{"type":"home","value":"ada@lovelace.org"}],"externalId":"00u1","name":{"familyName":"Lovelace","givenName":"Ada"},"title":"Mathematician","urn:ietf:params:scim:schemas:extension:ivanti:2.0:User":{"custAttr1":"Berlin"},"userName":"Ada.Lovelace@example.com","groups":[{"value":"0961bf4c-c098-48f4-b967-4fba5e63bddc","$ref":"https://rollcall.example.com/scim/v2/Groups/0961bf4c-c098-48f4-b967-4fba5e63bddc","display":"Crew","type":"direct"}],"meta":{"resourceType":"User","created":"2026-11-25T01:01:55.502457Z","lastModified":"2026-11-25T01:01:55.588230Z","location":"https://rollcall.example.com/scim/v2/Users/a4ddd53e-76ad-4fc2-8fd7-a13500436690","version":"W/\"2-aca7414d\""}}',NULL);
CREATE TABLE "sessions" (
	digest VARCHAR NOT NULL, 
	administrator_id INTEGER, 
	data TEXT NOT NULL, 
	created VARCHAR NOT NULL, 
	last_seen VARCHAR NOT NULL, 
	user_pk INTEGER, 
	PRIMARY KEY (digest), 
	CONSTRAINT fk_sessions_user_pk FOREIGN KEY(user_pk) REFERENCES users (pk) ON DELETE CASCADE, 
	FOREIGN KEY(administrator_id) REFERENCES administrators (id) ON DELETE CASCADE
);
INSERT INTO "sessions" VALUES('dddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddd',1,'{}','2026-11-25T01:01:55.874227Z','2026-11-25T01:01:55.874231Z',NULL);
CREATE TABLE settings (
	name VARCHAR NOT NULL, 
	value TEXT NOT NULL, 
	PRIMARY KEY (name)
);
INSERT INTO "settings" VALUES('log_days','90');
CREATE TABLE tokens (
	id INTEGER NOT NULL PRIMARY KEY AUTOINCREMENT, 
	name VARCHAR NOT NULL, 
	digest VARCHAR NOT NULL, 
	last_four VARCHAR NOT NULL, 
	created VARCHAR NOT NULL, 
	expires VARCHAR, 
	revoked VARCHAR, 
	last_used VARCHAR, 
	last_address VARCHAR, inactive VARCHAR, 
	UNIQUE (digest)
);
INSERT INTO "tokens" VALUES(1,'Okta','e5f9a37e9a2d3f1e304de184c28a8265ceda69e1cdd889d240aace3b20458dca','DvDc','2026-11-25T01:01:55.372703Z',NULL,NULL,'2026-11-25T01:01:55.524633Z','127.0.0.1',NULL);
INSERT INTO "tokens" VALUES(2,'Old','0a87b4038e5ecdbf32c72715f59b9c0267d470a2f124d542cc668108caad3ab6','iwza','2026-11-25T01:01:55.403333Z',NULL,'2026-11-25T01:01:55.455960Z',NULL,NULL,NULL);
CREATE TABLE user_counts (
	source VARCHAR NOT NULL, 
	enabled BOOLEAN NOT NULL, 
	invite VARCHAR NOT NULL, 
	count INTEGER NOT NULL, 
	PRIMARY KEY (source, enabled, invite)
)
 WITHOUT ROWID

;
INSERT INTO "user_counts" VALUES('local',0,'not invited',1);
INSERT INTO "user_counts" VALUES('local',1,'not invited',0);
INSERT INTO "user_counts" VALUES('scim',0,'not invited',1);
INSERT INTO "user_counts" VALUES('scim',1,'completed',1);
INSERT INTO "user_counts" VALUES('scim',1,'not invited',1);
INSERT INTO "user_counts" VALUES('scim',1,'pending',1);
CREATE TABLE user_values (
	attribute VARCHAR NOT NULL, 
	value_key VARCHAR NOT NULL, 
	user_pk INTEGER NOT NULL, 
	element INTEGER NOT NULL, 
	PRIMARY KEY (attribute, value_key, user_pk, element), 
	FOREIGN KEY(user_pk) REFERENCES users (pk) ON DELETE CASCADE
)
 WITHOUT ROWID

;
INSERT INTO "user_values" VALUES('*','ada.lovelace@example.com',1,0);
INSERT INTO "user_values" VALUES('*','example.com',1,0);
INSERT INTO "user_values" VALUES('*','lovelace.org',1,0);
INSERT INTO "user_values" VALUES('*','lovelace@example.com',1,0);
INSERT INTO "user_values" VALUES('displayName','ada lovelace',1,0);
INSERT INTO "user_values" VALUES('emails.primary','true',1,0);
INSERT INTO "user_values" VALUES('emails.type','work',1,0);
INSERT INTO "user_values" VALUES('emails.type','home',1,1);
INSERT INTO "user_values" VALUES('emails.value','ada@example.com',1,0);
INSERT INTO "user_values" VALUES('emails.value','ada@lovelace.org',1,1);
INSERT INTO "user_values" VALUES('externalId','00u1',1,0);
INSERT INTO "user_values" VALUES('ivanti:custAttr1','berlin',1,0);
INSERT INTO "user_values" VALUES('name.familyName','lovelace',1,0);
INSERT INTO "user_values" VALUES('name.givenName','ada',1,0);
INSERT INTO "user_values" VALUES('title','mathematician',1,0);
INSERT INTO "user_values" VALUES('*','example.com',2,0);
INSERT INTO "user_values" VALUES('*','josé@example.com',2,0);
INSERT INTO "user_values" VALUES('*','łukasz',2,0);
INSERT INTO "user_values" VALUES('displayName','josé łukasz 李',2,0);
INSERT INTO "user_values" VALUES('*','mallory',3,0);
INSERT INTO "user_values" VALUES('title','it''s "quoted"; -- & <b>',3,0);
INSERT INTO "user_values" VALUES('*','example.com',4,0);
INSERT INTO "user_values" VALUES('*','noactive@example.com',4,0);
INSERT INTO "user_values" VALUES('emails.value','no@example.com',4,0);
INSERT INTO "user_values" VALUES('*','example.com',6,0);
INSERT INTO "user_values" VALUES('*','local@example.com',6,0);
INSERT INTO "user_values" VALUES('*','person',6,0);
INSERT INTO "user_values" VALUES('displayName','local person',6,0);
CREATE TABLE users (
	pk INTEGER NOT NULL PRIMARY KEY AUTOINCREMENT, 
	id VARCHAR NOT NULL, 
	user_name_key VARCHAR NOT NULL, 
	display VARCHAR NOT NULL, 
	display_key VARCHAR NOT NULL, 
	active BOOLEAN, 
	source VARCHAR NOT NULL, 
	document TEXT NOT NULL, 
	version INTEGER NOT NULL, 
	created VARCHAR NOT NULL, 
	last_modified VARCHAR NOT NULL, invite VARCHAR DEFAULT 'not invited' NOT NULL, 
	UNIQUE (id), 
	UNIQUE (user_name_key)
);
INSERT INTO "users" VALUES(1,'a4ddd53e-76ad-4fc2-8fd7-a13500436690','ada.lovelace@example.com','Ada Lovelace','ada lovelace',1,'scim','{"schemas":["urn:ietf:params:scim:schemas:core:2.0:User","urn:ietf:params:scim:schemas:extension:ivanti:2.0:User"],"active":true,"displayName":"Ada Lovelace","emails":[{"primary":true,"type":"work","value":"ada@example.com"},{"type":"home","value":"ada@lovelace.org"}],"externalId":"00u1","name":{"familyName":"Lovelace","givenName":"Ada"},"title":"Mathematician","urn:ietf:params:scim:schemas:extension:ivanti:2.0:User":{"custAttr1":"Berlin"},"userName":"Ada.Lovelace@example.com"}',2,'2026-11-25T01:01:55.502457Z','2026-11-25T01:01:55.588230Z','completed');
INSERT INTO "users" VALUES(2,'3001df82-53de-4c9d-b944-ef1b041ecbe8','josé@example.com','José Łukasz 李','josé łukasz 李',1,'scim','{"schemas":["urn:ietf:params:scim:schemas:core:2.0:User"],"active":true,"displayName":"José Łukasz 李","userName":"josé@example.com"}',1,'2026-11-25T01:01:55.541304Z','2026-11-25T01:01:55.541304Z','not invited');
INSERT INTO "users" VALUES(3,'c7605d6d-0979-436a-b14a-28ecf87aba45','mallory','mallory','mallory',0,'scim','{"schemas":["urn:ietf:params:scim:schemas:core:2.0:User"],"active":false,"title":"it''s \"quoted\"; -- & <b>","userName":"mallory"}',1,'2026-11-25T01:01:55.544752Z','2026-11-25T01:01:55.544752Z','not invited');
INSERT INTO "users" VALUES(4,'9f739215-cbe3-4521-993c-39905b581ffc','noactive@example.com','noactive@example.com','noactive@example.com',1,'scim','{"schemas":["urn:ietf:params:scim:schemas:core:2.0:User"],"emails":[{"value":"no@example.com"}],"userName":"noactive@example.com","active":true}',1,'2026-11-25T01:01:55.556407Z','2026-11-25T01:01:55.556407Z','pending');
INSERT INTO "users" VALUES(6,'b63a4109-0c7e-4e47-b66d-a76190f4921e','local@example.com','Local Person','local person',0,'local','{"schemas":["urn:ietf:params:scim:schemas:core:2.0:User"],"userName":"local@example.com","displayName":"Local Person","active":false}',2,'2026-11-25T01:01:55.873858Z','2026-11-25T01:01:55.890185Z','not invited');
CREATE INDEX ix_audit_resource_id ON audit (resource_id);
CREATE INDEX ix_audit_time ON audit (time);
CREATE INDEX ix_groups_external_id ON groups (external_id);
CREATE INDEX ix_groups_last_modified ON groups (last_modified);
CREATE INDEX ix_provisioning_log_resource_id ON provisioning_log (resource_id);
CREATE INDEX ix_users_active ON users (active);
CREATE INDEX ix_users_created ON users (created);
CREATE INDEX ix_users_display_key ON users (display_key);
CREATE INDEX ix_users_last_modified ON users (last_modified);
CREATE INDEX ix_group_members_user ON group_members (user_pk, group_pk);
CREATE INDEX ix_user_values_user ON user_values (user_pk, attribute, element);
CREATE INDEX ix_failed_sign_ins_key ON failed_sign_ins ("key", time);
CREATE INDEX ix_jobs_finished ON jobs (finished);
CREATE INDEX ix_provisioning_log_time ON provisioning_log (time, status, method);
CREATE INDEX ix_provisioning_log_failures ON provisioning_log (id) WHERE status >= 400;
CREATE INDEX ix_users_disabled_display_key ON users (display_key) WHERE active IS NOT 1;
CREATE INDEX ix_users_disabled_last_modified ON users (last_modified) WHERE active IS NOT 1;
CREATE INDEX ix_users_disabled_user_name_key ON users (user_name_key) WHERE active IS NOT 1;
CREATE INDEX ix_users_local_display_key ON users (display_key) WHERE source = 'local';
CREATE INDEX ix_users_local_last_modified ON users (last_modified) WHERE source = 'local';
CREATE INDEX ix_users_local_user_name_key ON users (user_name_key) WHERE source = 'local';
CREATE INDEX ix_links_administrator_id ON links (administrator_id);
CREATE INDEX ix_links_expires ON links (expires);
CREATE INDEX ix_links_user_pk ON links (user_pk);
CREATE INDEX ix_outbox_administrator_id ON outbox (administrator_id);
CREATE INDEX ix_outbox_due ON outbox (state, next_try);
CREATE INDEX ix_outbox_link_digest ON outbox (link_digest);
CREATE INDEX ix_outbox_user_pk ON outbox (user_pk);
CREATE INDEX ix_sessions_last_seen ON sessions (last_seen);
CREATE INDEX ix_sessions_administrator_id ON sessions (administrator_id);
CREATE INDEX ix_sessions_user_pk ON sessions (user_pk);
CREATE INDEX ix_users_invited_display_key ON users (invite, display_key) WHERE invite <> 'not invited';
CREATE INDEX ix_users_invited_last_modified ON users (invite, last_modified) WHERE invite <> 'not invited';
CREATE INDEX ix_users_invited_user_name_key ON users (invite, user_name_key) WHERE invite <> 'not invited';
DELETE FROM "sqlite_sequence";
INSERT INTO "sqlite_sequence" VALUES('tokens',2);
INSERT INTO "sqlite_sequence" VALUES('audit',22);
INSERT INTO "sqlite_sequence" VALUES('custom_attributes',1);
INSERT INTO "sqlite_sequence" VALUES('users',6);
INSERT INTO "sqlite_sequence" VALUES('provisioning_log',12);
INSERT INTO "sqlite_sequence" VALUES('groups',2);
INSERT INTO "sqlite_sequence" VALUES('administrators',2);
INSERT INTO "sqlite_sequence" VALUES('jobs',1);
INSERT INTO "sqlite_sequence" VALUES('outbox',2);
COMMIT;
