-- token: rc_0e6TPpW3eZNSutjQK67X5KnZwjTBdMQ5CBfCjwhiKYQCW7H0d
BEGIN TRANSACTION;
CREATE TABLE alembic_version (
	version_num VARCHAR(32) NOT NULL, 
	CONSTRAINT alembic_version_pkc PRIMARY KEY (version_num)
);
INSERT INTO "alembic_version" VALUES('0001');
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
INSERT INTO "audit" VALUES(1,'2026-11-25T01:01:45.834505Z','SCIM Okta (Okta)',1,'created','User','718f43e7-d5e3-40a4-83e0-2e137ae43a18','Ada.Lovelace@example.com',NULL,'{"schemas":["urn:ietf:params:scim:schemas:core:2.0:User","urn:ietf:params:scim:schemas:extension:ivanti:2.0:User"],"active":true,"displayName":"Ada Lovelace","emails":[{"primary":true,"type":"work","value":"ada@example.com"},{"type":"home","value":"ada@lovelace.org"}],"externalId":"00u1","name":{"familyName":"Lovelace","givenName":"Ada"},"title":"Countess","urn:ietf:params:scim:schemas:extension:ivanti:2.0:User":{"custAttr1":"Berlin"},"userName":"Ada.Lovelace@example.com"}');
INSERT INTO "audit" VALUES(2,'2026-11-25T01:01:45.844162Z','SCIM Okta (Okta)',1,'created','User','4964b3fd-b994-4c74-a380-c94a136ed26b','josé@example.com',NULL,'{"schemas":["urn:ietf:params:scim:schemas:core:2.0:User"],"active":true,"displayName":"José Łukasz 李","userName":"josé@example.com"}');
INSERT INTO "audit" VALUES(3,'2026-11-25T01:01:45.850215Z','SCIM Okta (Okta)',1,'created','User','66831611-fdf6-4467-814c-aaabd901bac3','mallory',NULL,'{"schemas":["urn:ietf:params:scim:schemas:core:2.0:User"],"active":false,"title":"it''s \"quoted\"; -- & <b>","userName":"mallory"}');
INSERT INTO "audit" VALUES(4,'2026-11-25T01:01:45.857554Z','SCIM Okta (Okta)',1,'created','User','771d4d69-28cf-415c-8835-0af965252037','noactive@example.com',NULL,'{"schemas":["urn:ietf:params:scim:schemas:core:2.0:User"],"emails":[{"value":"no@example.com"}],"userName":"noactive@example.com","active":true}');
INSERT INTO "audit" VALUES(5,'2026-11-25T01:01:45.864893Z','SCIM Okta (Okta)',1,'created','User','1b0c8987-fbc3-4608-ac56-9879a50895e4','gone@example.com',NULL,'{"schemas":["urn:ietf:params:scim:schemas:core:2.0:User"],"active":true,"userName":"gone@example.com"}');
INSERT INTO "audit" VALUES(6,'2026-11-25T01:01:45.875535Z','SCIM Okta (Okta)',1,'created','Group','16842de5-64c8-48ea-bb77-9a942a9f5f9c','Staff',NULL,'{"schemas":["urn:ietf:params:scim:schemas:core:2.0:Group"],"displayName":"Staff","members":["1b0c8987-fbc3-4608-ac56-9879a50895e4","4964b3fd-b994-4c74-a380-c94a136ed26b","66831611-fdf6-4467-814c-aaabd901bac3","718f43e7-d5e3-40a4-83e0-2e137ae43a18","771d4d69-28cf-415c-8835-0af965252037"]}');
INSERT INTO "audit" VALUES(7,'2026-11-25T01:01:45.879036Z','SCIM Okta (Okta)',1,'created','Group','30016a98-01e5-4fcb-af5f-01fed0c74407','Empty',NULL,'{"schemas":["urn:ietf:params:scim:schemas:core:2.0:Group"],"displayName":"Empty","externalId":"g2"}');
INSERT INTO "audit" VALUES(8,'2026-11-25T01:01:45.888680Z','SCIM Okta (Okta)',1,'changed','User','718f43e7-d5e3-40a4-83e0-2e137ae43a18','Ada.Lovelace@example.com','{"title":"Countess"}','{"title":"Mathematician"}');
INSERT INTO "audit" VALUES(9,'2026-11-25T01:01:45.896625Z','SCIM Okta (Okta)',1,'changed','Group','16842de5-64c8-48ea-bb77-9a942a9f5f9c','Crew','{"displayName":"Staff"}','{"displayName":"Crew"}');
INSERT INTO "audit" VALUES(10,'2026-11-25T01:01:45.901192Z','SCIM Okta (Okta)',1,'deleted','User','1b0c8987-fbc3-4608-ac56-9879a50895e4','gone@example.com','{"schemas":["urn:ietf:params:scim:schemas:core:2.0:User"],"active":true,"userName":"gone@example.com"}',NULL);
CREATE TABLE blocks (
	"table" VARCHAR NOT NULL, 
	block INTEGER NOT NULL, 
	count INTEGER NOT NULL, 
	PRIMARY KEY ("table", block)
)
 WITHOUT ROWID

;
INSERT INTO "blocks" VALUES('groups',0,2);
INSERT INTO "blocks" VALUES('users',0,4);
CREATE TABLE custom_attributes (
	id INTEGER NOT NULL PRIMARY KEY AUTOINCREMENT, 
	name VARCHAR NOT NULL, 
	name_key VARCHAR NOT NULL, 
	type VARCHAR NOT NULL, 
	multi_valued BOOLEAN NOT NULL, 
	created VARCHAR NOT NULL, 
	UNIQUE (name_key)
);
INSERT INTO "custom_attributes" VALUES(1,'custAttr1','custattr1','string',0,'2026-11-25T01:01:45.813969Z');
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
	last_modified VARCHAR NOT NULL, 
	UNIQUE (display_name_key), 
	UNIQUE (id)
);
INSERT INTO "groups" VALUES(1,'16842de5-64c8-48ea-bb77-9a942a9f5f9c','Crew','crew',NULL,'scim','{"schemas":["urn:ietf:params:scim:schemas:core:2.0:Group"],"displayName":"Crew"}',3,'2026-11-25T01:01:45.869642Z','2026-11-25T01:01:45.899901Z');
INSERT INTO "groups" VALUES(2,'30016a98-01e5-4fcb-af5f-01fed0c74407','Empty','empty','g2','scim','{"schemas":["urn:ietf:params:scim:schemas:core:2.0:Group"],"displayName":"Empty","externalId":"g2"}',1,'2026-11-25T01:01:45.878884Z','2026-11-25T01:01:45.878884Z');
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
);
INSERT INTO "provisioning_log" VALUES(1,'2026-11-25T01:01:45.835588Z',1,'127.0.0.1','POST','/scim/v2/Users','User','718f43e7-d5e3-40a4-83e0-2e137ae43a18',201,NULL,NULL,7.63,NULL,'{"active": true, "displayName": "Ada Lovelace", "emails": [{"primary": true, "type": "work", "value": "ada@example.com"}, {"type": "home", "value": "ada@lovelace.org"}], "externalId": "00u1", "name": {"familyName": "Lovelace", "givenName": "Ada"}, "title": "Countess", "urn:ietf:params:scim:schemas:extension:ivanti:2.0:User": {"custAttr1": "Berlin"}, "userName": "Ada.Lovelace@example.com"}','{"id":"718f43e7-d5e3-40a4-83e0-2e137ae43a18","schemas":["urn:ietf:params:scim:schemas:core:2.0:User","urn:ietf:params:scim:schemas:extension:ivanti:2.0:User"],"active":true,"displayName":"Ada Lovelace","emails":[{"primary":true,"type":"work","value":"ada@example.com"},{"type":"home","value":"ada@lovelace.org"}],"externalId":"00u1","name":{"familyName":"Lovelace","givenName":"Ada"},"title":"Countess","urn:ietf:params:scim:schemas:extension:ivanti:2.0:User":{"custAttr1":"Berlin"},"userName":"Ada.Lovelace@example.com","meta":{"resourceType":"User","created":"2026-11-25T01:01:45.830603Z","lastModified":"2026-11-25T01:01:45.830603Z","location":"https://rollcall.example.com/scim/v2/Users/718f43e7-d5e3-40a4-83e0-2e137ae43a18","version":"W/\"1\""}}');
INSERT INTO "provisioning_log" VALUES(2,'2026-11-25T01:01:45.844265Z',1,'127.0.0.1','POST','/scim/v2/Users','User','4964b3fd-b994-4c74-a380-c94a136ed26b',201,NULL,NULL,0.71,NULL,'{"active":true,"displayName":"José Łukasz 李","userName":"josé@example.com"}','{"id":"4964b3fd-b994-4c74-a380-c94a136ed26b","schemas":["urn:ietf:params:scim:schemas:core:2.0:User"],"active":true,"displayName":"José Łukasz 李","userName":"josé@example.com","meta":{"resourceType":"User","created":"2026-11-25T01:01:45.843971Z","lastModified":"2026-11-25T01:01:45.843971Z","location":"https://rollcall.example.com/scim/v2/Users/4964b3fd-b994-4c74-a380-c94a136ed26b","version":"W/\"1\""}}');
INSERT INTO "provisioning_log" VALUES(3,'2026-11-25T01:01:45.850314Z',1,'127.0.0.1','POST','/scim/v2/Users','User','66831611-fdf6-4467-814c-aaabd901bac3',201,NULL,NULL,0.57,NULL,'{"active": false, "title": "it''s \"quoted\"; -- & <b>", "userName": "mallory"}','{"id":"66831611-fdf6-4467-814c-aaabd901bac3","schemas":["urn:ietf:params:scim:schemas:core:2.0:User"],"active":false,"title":"it''s \"quoted\"; -- & <b>","userName":"mallory","meta":{"resourceType":"User","created":"2026-11-25T01:01:45.850110Z","lastModified":"2026-11-25T01:01:45.850110Z","location":"https://rollcall.example.com/scim/v2/Users/66831611-fdf6-4467-814c-aaabd901bac3","version":"W/\"1\""}}');
INSERT INTO "provisioning_log" VALUES(4,'2026-11-25T01:01:45.857651Z',1,'127.0.0.1','POST','/scim/v2/Users','User','771d4d69-28cf-415c-8835-0af965252037',201,NULL,NULL,0.59,NULL,'{"emails": [{"value": "no@example.com"}], "userName": "noactive@example.com"}','{"id":"771d4d69-28cf-415c-8835-0af965252037","schemas":["urn:ietf:params:scim:schemas:core:2.0:User"],"emails":[{"value":"no@example.com"}],"userName":"noactive@example.com","active":true,"meta":{"resourceType":"User","created":"2026-11-25T01:01:45.857449Z","lastModified":"2026-11-25T01:01:45.857449Z","location":"https://rollcall.example.com/scim/v2/Users/771d4d69-28cf-415c-8835-0af965252037","version":"W/\"1\""}}');
INSERT INTO "provisioning_log" VALUES(5,'2026-11-25T01:01:45.864989Z',1,'127.0.0.1','POST','/scim/v2/Users','User','1b0c8987-fbc3-4608-ac56-9879a50895e4',201,NULL,NULL,0.54,NULL,'{"active": true, "userName": "gone@example.com"}','{"id":"1b0c8987-fbc3-4608-ac56-9879a50895e4","schemas":["urn:ietf:params:scim:schemas:core:2.0:User"],"active":true,"userName":"gone@example.com","meta":{"resourceType":"User","created":"2026-11-25T01:01:45.864813Z","lastModified":"2026-11-25T01:01:45.864813Z","location":"https://rollcall.example.com/scim/v2/Users/1b0c8987-fbc3-4608-ac56-9879a50895e4","version":"W/\"1\""}}');
INSERT INTO "provisioning_log" VALUES(6,'2026-11-25T01:01:45.876053Z',1,'127.0.0.1','POST','/scim/v2/Groups','Group','16842de5-64c8-48ea-bb77-9a942a9f5f9c',201,NULL,NULL,6.74,NULL,'{"displayName": "Staff", "members": [{"value": "718f43e7-d5e3-40a4-83e0-2e137ae43a18"}, {"value": "4964b3fd-b994-4c74-a380-c94a136ed26b"}, {"value": "66831611-fdf6-4467-814c-aaabd901bac3"}, {"value": "771d4d69-28cf-415c-8835-0af965252037"}, {"value": "1b0c8987-fbc3-4608-ac56-9879a50895e4"}]}','{"id":"16842de5-64c8-48ea-bb77-9a942a9f5f9c","schemas":["urn:ietf:params:scim:schemas:core:2.0:Group"],"displayName":"Staff","members":[{"value":"718f43e7-d5e3-40a4-83e0-2e137ae43a18","$ref":"https://rollcall.example.com/scim/v2/Users/718f43e7-d5e3-40a4-83e0-2e137ae43a18","type":"User"},{"value":"4964b3fd-b994-4c74-a380-c94a136ed26b","$ref":"https://rollcall.example.com/scim/v2/Users/4964b3fd-b994-4c74-a380-c94a136ed26b","type":"User"},{"value":"66831611-fdf6-4467-814c-aaabd901bac3","$ref":"https://rollcall.example.com/scim/v2/Users/66831611-fdf6-4467-814c-aaabd901bac3","type":"User"},{"value":"771d4d69-28cf-415c-8835-0af965252037","$ref":"https://rollcall.example.com/scim/v2/Users/771d4d69-28cf-415c-8835-0af965252037","type":"User"},{"value":"1b0c8987-fbc3-4608-ac56-9879a50895e4","$ref":"https://rollcall.example.com/scim/v2/Users/1b0c8987-fbc3-4608-ac56-9879a50895e4","type":"User"}],"meta":{"resourceType":"Group","created":"2026-11-25T01:01:45.869642Z","lastModified":"2026-11-25T01:01:45.869642Z","location":"https://rollcall.example.com/scim/v2/Groups/16842de5-64c8-48ea-bb77-9a942a9f5f9c","version":"W/\"1\""}}');
INSERT INTO "provisioning_log" VALUES(7,'2026-11-25T01:01:45.879117Z',1,'127.0.0.1','POST','/scim/v2/Groups','Group','30016a98-01e5-4fcb-af5f-01fed0c74407',201,NULL,NULL,0.56,NULL,'{"displayName": "Empty", "externalId": "g2"}','{"id":"30016a98-01e5-4fcb-af5f-01fed0c74407","schemas":["urn:ietf:params:scim:schemas:core:2.0:Group"],"displayName":"Empty","externalId":"g2","meta":{"resourceType":"Group","created":"2026-11-25T01:01:45.878884Z","lastModified":"2026-11-25T01:01:45.878884Z","location":"https://rollcall.example.com/scim/v2/Groups/30016a98-01e5-4fcb-af5f-01fed0c74407","version":"W/\"1\""}}');
INSERT INTO "provisioning_log" VALUES(8,'2026-11-25T01:01:45.888799Z',1,'127.0.0.1','PATCH','/scim/v2/Users/718f43e7-d5e3-40a4-83e0-2e137ae43a18','User','718f43e7-d5e3-40a4-83e0-2e137ae43a18',200,NULL,NULL,2.71,NULL,'{"Operations": [{"op": "replace", "path": "title", "value": "Mathematician"}]}','{"id":"718f43e7-d5e3-40a4-83e0-2e137ae43a18","schemas":["urn:ietf:params:scim:schemas:core:2.0:User","urn:ietf:params:scim:schemas:extension:ivanti:2.0:User"],"active":true,"displayName":"Ada Lovelace","emails":[{"primary":true,"type":"work","value":"ada@example.com"},{"type":"home","value":"ada@lovelace.org"}],"externalId":"00u1","name":{"familyName":"Lovelace","givenName":"Ada"},"title":"Mathematician","urn:ietf:params:scim:schemas:extension:ivanti:2.0:User":{"custAttr1":"Berlin"},"userName":"Ada.Lovelace@example.com","groups":[{"value":"16842de5-64c8-48ea-bb77-9a942a9f5f9c","$ref":"https://rollcall.example.com/scim/v2/Groups/16842de5-64c8-48ea-bb77-9a942a9f5f9c","display":"Staff","type":"direct"}],"meta":{"resourceType":"User","created":"2026-11-25T01:01:45.830603Z","lastModified":"2026-11-25T01:01:45.886907Z","location":"https://rollcall.example.com/scim/v2/Users/718f43e7-d5e3-40a4-83e0-2e137ae43a18","version":"W/\"2-840a9aca\""}}');
INSERT INTO "provisioning_log" VALUES(9,'2026-11-25T01:01:45.896907Z',1,'127.0.0.1','PATCH','/scim/v2/Groups/16842de5-64c8-48ea-bb77-9a942a9f5f9c','Group','16842de5-64c8-48ea-bb77-9a942a9f5f9c',200,NULL,NULL,1.3,NULL,'{"Operations": [{"op": "replace", "value": {"displayName": "Crew"}}]}','{"id":"16842de5-64c8-48ea-bb77-9a942a9f5f9c","schemas":["urn:ietf:params:scim:schemas:core:2.0:Group"],"displayName":"Crew","members":[{"value":"718f43e7-d5e3-40a4-83e0-2e137ae43a18","$ref":"https://rollcall.example.com/scim/v2/Users/718f43e7-d5e3-40a4-83e0-2e137ae43a18","type":"User"},{"value":"4964b3fd-b994-4c74-a380-c94a136ed26b","$ref":"https://rollcall.example.com/scim/v2/Users/4964b3fd-b994-4c74-a380-c94a136ed26b","type":"User"},{"value":"66831611-fdf6-4467-814c-aaabd901bac3","$ref":"https://rollcall.example.com/scim/v2/Users/66831611-fdf6-4467-814c-aaabd901bac3","type":"User"},{"value":"771d4d69-28cf-415c-8835-0af965252037","$ref":"https://rollcall.example.com/scim/v2/Users/771d4d69-28cf-415c-8835-0af965252037","type":"User"},{"value":"1b0c8987-fbc3-4608-ac56-9879a50895e4","$ref":"https://rollcall.example.com/scim/v2/Users/1b0c8987-fbc3-4608-ac56-9879a50895e4","type":"User"}],"meta":{"resourceType":"Group","created":"2026-11-25T01:01:45.869642Z","lastModified":"2026-11-25T01:01:45.896337Z","location":"https://rollcall.example.com/scim/v2/Groups/16842de5-64c8-48ea-bb77-9a942a9f5f9c","version":"W/\"2\""}}');
INSERT INTO "provisioning_log" VALUES(10,'2026-11-25T01:01:45.901246Z',1,'127.0.0.1','DELETE','/scim/v2/Users/1b0c8987-fbc3-4608-ac56-9879a50895e4','User','1b0c8987-fbc3-4608-ac56-9879a50895e4',204,NULL,NULL,1.69,NULL,NULL,NULL);
INSERT INTO "provisioning_log" VALUES(11,'2026-11-25T01:01:45.927175Z',1,'127.0.0.1','POST','/scim/v2/Users',NULL,NULL,409,'uniqueness','The userName ''Ada.Lovelace@example.com'' is taken already; letter case does not count. Rename this one in Okta, or link it to the one that is here.',0.73,NULL,'{"active": true, "displayName": "Ada Lovelace", "emails": [{"primary": true, "type": "work", "value": "ada@example.com"}, {"type": "home", "value": "ada@lovelace.org"}], "externalId": "00u1", "name": {"familyName": "Lovelace", "givenName": "Ada"}, "title": "Countess", "urn:ietf:params:scim:schemas:extension:ivanti:2.0:User": {"custAttr1": "Berlin"}, "userName": "Ada.Lovelace@example.com"}','{"schemas":["urn:ietf:params:scim:api:messages:2.0:Error"],"status":"409","detail":"The userName ''Ada.Lovelace@example.com'' is taken already; letter case does not count. Rename this one in Okta, or link it to the one that is here.","scimType":"uniqueness"}');
INSERT INTO "provisioning_log" VALUES(12,'2026-11-25T01:01:45.927731Z',1,'127.0.0.1','GET','/scim/v2/Users/718f43e7-d5e3-40a4-83e0-2e137ae43a18','User','718f43e7-d5e3-40a4-83e0-2e137ae43a18',200,NULL,NULL,0.24,NULL,NULL,'{"id":"718f43e7-d5e3-40a4-83e0-2e137ae43a18","schemas":["urn:ietf:params:scim:schemas:core:2.0:User","urn:ietf:params:scim:schemas:extension:ivanti:2.0:User"],"active":true,"displayName":"Ada Lovelace","emails":[{"primary":true,"type":"work","value":"ada@example.com"},{"type":"home","value":"ada@lovelace.org"}],"externalId":"00u1","name":{"familyName":"Lovelace","givenName":"Ada"},"title":"Mathematician","urn:ietf:params:scim:schemas:extension:ivanti:2.0:User":{"custAttr1":"Berlin"},"userName":"Ada.Lovelace@example.com","groups":[{"value":"16842de5-64c8-48ea-bb77-9a942a9f5f9c","$ref":"https://rollcall.example.com/scim/v2/Groups/16842de5-64c8-48ea-bb77-9a942a9f5f9c","display":"Crew","type":"direct"}],"meta":{"resourceType":"User","created":"2026-11-25T01:01:45.830603Z","lastModified":"2026-11-25T01:01:45.886907Z","location":"https://rollcall.example.com/scim/v2/Users/718f43e7-d5e3-40a4-83e0-2e137ae43a18","version":"W/\"2-afa0f2dd\""}}');
CREATE TABLE tokens (
	id INTEGER NOT NULL PRIMARY KEY AUTOINCREMENT, 
	name VARCHAR NOT NULL, 
	digest VARCHAR NOT NULL, 
	last_four VARCHAR NOT NULL, 
	created VARCHAR NOT NULL, 
	expires VARCHAR, 
	revoked VARCHAR, 
	last_used VARCHAR, 
	last_address VARCHAR, 
	UNIQUE (digest)
);
INSERT INTO "tokens" VALUES(1,'Okta','0e2db6d5f28c64a8ebf9f122c238876838e4fbed03cfc664f38ecc5c2a8b119f','7H0d','2026-11-25T01:01:45.754830Z',NULL,NULL,'2026-11-25T01:01:45.835588Z','127.0.0.1');
INSERT INTO "tokens" VALUES(2,'Old','413b689d6068a5b06bda0994aaeb424d35ccf6cacbab57ec8d6564cd0c781d1e','Ihra','2026-11-25T01:01:45.774420Z',NULL,'2026-11-25T01:01:45.798460Z',NULL,NULL);
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
INSERT INTO "user_values" VALUES('displayName','josé łukasz 李',2,0);
INSERT INTO "user_values" VALUES('title','it''s "quoted"; -- & <b>',3,0);
INSERT INTO "user_values" VALUES('emails.value','no@example.com',4,0);
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
	last_modified VARCHAR NOT NULL, 
	UNIQUE (id), 
	UNIQUE (user_name_key)
);
INSERT INTO "users" VALUES(1,'718f43e7-d5e3-40a4-83e0-2e137ae43a18','ada.lovelace@example.com','Ada Lovelace','ada lovelace',1,'scim','{"schemas":["urn:ietf:params:scim:schemas:core:2.0:User","urn:ietf:params:scim:schemas:extension:ivanti:2.0:User"],"active":true,"displayName":"Ada Lovelace","emails":[{"primary":true,"type":"work","value":"ada@example.com"},{"type":"home","value":"ada@lovelace.org"}],"externalId":"00u1","name":{"familyName":"Lovelace","givenName":"Ada"},"title":"Mathematician","urn:ietf:params:scim:schemas:extension:ivanti:2.0:User":{"custAttr1":"Berlin"},"userName":"Ada.Lovelace@example.com"}',2,'2026-11-25T01:01:45.830603Z','2026-11-25T01:01:45.886907Z');
INSERT INTO "users" VALUES(2,'4964b3fd-b994-4c74-a380-c94a136ed26b','josé@example.com','José Łukasz 李','josé łukasz 李',1,'scim','{"schemas":["urn:ietf:params:scim:schemas:core:2.0:User"],"active":true,"displayName":"José Łukasz 李","userName":"josé@example.com"}',1,'2026-11-25T01:01:45.843971Z','2026-11-25T01:01:45.843971Z');
INSERT INTO "users" VALUES(3,'66831611-fdf6-4467-814c-aaabd901bac3','mallory','mallory','mallory',0,'scim','{"schemas":["urn:ietf:params:scim:schemas:core:2.0:User"],"active":false,"title":"it''s \"quoted\"; -- & <b>","userName":"mallory"}',1,'2026-11-25T01:01:45.850110Z','2026-11-25T01:01:45.850110Z');
INSERT INTO "users" VALUES(4,'771d4d69-28cf-415c-8835-0af965252037','noactive@example.com','noactive@example.com','noactive@example.com',1,'scim','{"schemas":["urn:ietf:params:scim:schemas:core:2.0:User"],"emails":[{"value":"no@example.com"}],"userName":"noactive@example.com","active":true}',1,'2026-11-25T01:01:45.857449Z','2026-11-25T01:01:45.857449Z');
CREATE INDEX ix_audit_resource_id ON audit (resource_id);
CREATE INDEX ix_audit_time ON audit (time);
CREATE INDEX ix_groups_external_id ON groups (external_id);
CREATE INDEX ix_groups_last_modified ON groups (last_modified);
CREATE INDEX ix_provisioning_log_resource_id ON provisioning_log (resource_id);
CREATE INDEX ix_provisioning_log_time ON provisioning_log (time);
CREATE INDEX ix_users_active ON users (active);
CREATE INDEX ix_users_created ON users (created);
CREATE INDEX ix_users_display_key ON users (display_key);
CREATE INDEX ix_users_last_modified ON users (last_modified);
CREATE INDEX ix_group_members_user ON group_members (user_pk, group_pk);
CREATE INDEX ix_user_values_user ON user_values (user_pk, attribute, element);
DELETE FROM "sqlite_sequence";
INSERT INTO "sqlite_sequence" VALUES('tokens',2);
INSERT INTO "sqlite_sequence" VALUES('custom_attributes',1);
INSERT INTO "sqlite_sequence" VALUES('users',5);
INSERT INTO "sqlite_sequence" VALUES('audit',10);
INSERT INTO "sqlite_sequence" VALUES('provisioning_log',12);
INSERT INTO "sqlite_sequence" VALUES('groups',2);
COMMIT;
