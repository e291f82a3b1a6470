-- token: rc_gjsWDygoVOhNQZcezNbDaatJmCQ7UlQrIf5t4GSO3t5XXANCc
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
INSERT INTO "administrators" VALUES(1,'admin@example.com','admin@example.com','administrator','$argon2id$v=19$m=19456,t=2,p=1$hlk56nNsVCPpBgoKmcAhrw$eCuC47KEH2Fre1P2qlbHUxkUNjpbPGJXy0t/AgPo+Nw',NULL,'2026-11-25T01:02:00.678018Z',NULL);
INSERT INTO "administrators" VALUES(2,'desk@example.com','desk@example.com','helpdesk','$argon2id$v=19$m=19456,t=2,p=1$oJYCHpwmFhvywiyBQWDQgQ$rpbGppBkd862EcolfVjmh4j3F6Ibu4hzdRSNhawZQDQ',NULL,'2026-11-25T01:02:00.765198Z',NULL);
CREATE TABLE alembic_version (
	version_num VARCHAR(32) NOT NULL, 
	CONSTRAINT alembic_version_pkc PRIMARY KEY (version_num)
);
INSERT INTO "alembic_version" VALUES('0004');
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
INSERT INTO "audit" VALUES(1,'2026-11-25T01:02:00.241493Z','Command line',NULL,'created','Token','1','Okta',NULL,'{"last_four":"ANCc","expires":null}');
INSERT INTO "audit" VALUES(2,'2026-11-25T01:02:00.283361Z','Command line',NULL,'created','Token','2','Old',NULL,'{"last_four":"M9mb","expires":null}');
INSERT INTO "audit" VALUES(3,'2026-11-25T01:02:00.313437Z','Command line',NULL,'removed','Token','2','Old','{"state":"Active"}','{"state":"Removed"}');
INSERT INTO "audit" VALUES(4,'2026-11-25T01:02:00.344280Z','Command line',NULL,'created','Attribute','custAttr1','custAttr1',NULL,'{"type":"string","multiValued":false}');
INSERT INTO "audit" VALUES(5,'2026-11-25T01:02:00.366687Z','SCIM Okta (Okta)',1,'created','User','7fe75a37-4cc3-4009-a476-5938c9f5833e','Ada.Lovelace@example.com',NULL,'{"schemas":["urn:ietf:params:scim:schemas:core:2.0:User","urn:ietf:params:scim:schemas:extension:ivanti:2.0:User"],"active":true,"displayName":"Ada Lovelace","emails":[{"primary":true,"type":"work","value":"ada@example.com"},{"type":"home","value":"ada@lovelace.org"}],"externalId":"00u1","name":{"familyName":"Lovelace","givenName":"Ada"},"title":"Countess","urn:ietf:params:scim:schemas:extension:ivanti:2.0:User":{"custAttr1":"Berlin"},"userName":"Ada.Lovelace@example.com"}');
INSERT INTO "audit" VALUES(6,'2026-11-25T01:02:00.390655Z','SCIM Okta (Okta)',1,'created','User','c1e5da6a-4680-4aae-9682-5ff57fbac576','josé@example.com',NULL,'{"schemas":["urn:ietf:params:scim:schemas:core:2.0:User"],"active":true,"displayName":"José Łukasz 李","userName":"josé@example.com"}');
INSERT INTO "audit" VALUES(7,'2026-11-25T01:02:00.401275Z','SCIM Okta (Okta)',1,'created','User','2b9b5e8b-6cac-4c53-a45f-47a6f6144353','mallory',NULL,'{"schemas":["urn:ietf:params:scim:schemas:core:2.0:User"],"active":false,"title":"it''s \"quoted\"; -- & <b>","userName":"mallory"}');
INSERT INTO "audit" VALUES(8,'2026-11-25T01:02:00.406402Z','SCIM Okta (Okta)',1,'created','User','eba103fb-b66d-4681-818f-735e9a6ebf61','noactive@example.com',NULL,'{"schemas":["urn:ietf:params:scim:schemas:core:2.0:User"],"emails":[{"value":"no@example.com"}],"userName":"noactive@example.com","active":true}');
INSERT INTO "audit" VALUES(9,'2026-11-25T01:02:00.418495Z','SCIM Okta (Okta)',1,'created','User','2bd2d6c8-8f9a-4264-b5aa-655de12bd1e9','gone@example.com',NULL,'{"schemas":["urn:ietf:params:scim:schemas:core:2.0:User"],"active":true,"userName":"gone@example.com"}');
INSERT INTO "audit" VALUES(10,'2026-11-25T01:02:00.425095Z','SCIM Okta (Okta)',1,'created','Group','74774f15-8f00-4d3f-9b36-9dbecc28defb','Staff',NULL,'{"schemas":["urn:ietf:params:scim:schemas:core:2.0:Group"],"displayName":"Staff","members":["2b9b5e8b-6cac-4c53-a45f-47a6f6144353","2bd2d6c8-8f9a-4264-b5aa-655de12bd1e9","7fe75a37-4cc3-4009-a476-5938c9f5833e","c1e5da6a-4680-4aae-9682-5ff57fbac576","eba103fb-b66d-4681-818f-735e9a6ebf61"]}');
INSERT INTO "audit" VALUES(11,'2026-11-25T01:02:00.442090Z','SCIM Okta (Okta)',1,'created','Group','0cc1af33-751e-4920-a369-9f8075a15508','Empty',NULL,'{"schemas":["urn:ietf:params:scim:schemas:core:2.0:Group"],"displayName":"Empty","externalId":"g2"}');
INSERT INTO "audit" VALUES(12,'2026-11-25T01:02:00.452804Z','SCIM Okta (Okta)',1,'changed','User','7fe75a37-4cc3-4009-a476-5938c9f5833e','Ada.Lovelace@example.com','{"title":"Countess"}','{"title":"Mathematician"}');
INSERT INTO "audit" VALUES(13,'2026-11-25T01:02:00.462818Z','SCIM Okta (Okta)',1,'changed','Group','74774f15-8f00-4d3f-9b36-9dbecc28defb','Crew','{"displayName":"Staff"}','{"displayName":"Crew"}');
INSERT INTO "audit" VALUES(14,'2026-11-25T01:02:00.478078Z','SCIM Okta (Okta)',1,'deleted','User','2bd2d6c8-8f9a-4264-b5aa-655de12bd1e9','gone@example.com','{"schemas":["urn:ietf:params:scim:schemas:core:2.0:User"],"active":true,"userName":"gone@example.com"}',NULL);
INSERT INTO "audit" VALUES(15,'2026-11-25T01:02:00.678862Z','Command line',NULL,'created','Administrator','1','admin@example.com',NULL,'{"email":"admin@example.com","role":"administrator"}');
INSERT INTO "audit" VALUES(16,'2026-11-25T01:02:00.765565Z','Command line',NULL,'created','Administrator','2','desk@example.com',NULL,'{"email":"desk@example.com","role":"helpdesk"}');
INSERT INTO "audit" VALUES(17,'2026-11-25T01:02:00.766651Z','Command line',NULL,'changed','Setting','log_days','log_days','{"log_days":30}','{"log_days":90}');
INSERT INTO "audit" VALUES(18,'2026-11-25T01:02:00.771184Z','Command line',NULL,'created','User','fa56ccd1-87a7-4cf6-a6d8-1a635adea91e','local@example.com',NULL,'{"schemas":["urn:ietf:params:scim:schemas:core:2.0:User"],"userName":"local@example.com","displayName":"Local Person","active":true}');
INSERT INTO "audit" VALUES(19,'2026-11-25T01:02:00.778269Z','Command line',NULL,'changed','User','fa56ccd1-87a7-4cf6-a6d8-1a635adea91e','local@example.com','{"active":true}','{"active":false}');
INSERT INTO "audit" VALUES(20,'2026-11-25T01:02:00.793216Z','Command line',NULL,'copied the invitation','User','7fe75a37-4cc3-4009-a476-5938c9f5833e','Ada.Lovelace@example.com',NULL,NULL);
INSERT INTO "audit" VALUES(21,'2026-11-25T01:02:00.793822Z','Command line',NULL,'invited','User','eba103fb-b66d-4681-818f-735e9a6ebf61','noactive@example.com',NULL,'{"email":"no@example.com"}');
INSERT INTO "audit" VALUES(22,'2026-11-25T01:02:00.874239Z','Person Ada.Lovelace@example.com',NULL,'registered','User','7fe75a37-4cc3-4009-a476-5938c9f5833e','Ada.Lovelace@example.com',NULL,NULL);
INSERT INTO "audit" VALUES(23,'2026-11-25T01:02:00.896219Z','Command line',NULL,'created','Configuration','1','Intranet',NULL,'{"name":"Intranet","type":"webclip","missing":"hold","distribution":"everyone","groups":[],"fields":{"label":"Office ${custAttr1}","url":"https://intranet.example.com/${custAttr1}","removable":false,"full_screen":false,"precomposed":false},"newRevisions":1}');
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
CREATE TABLE configuration_groups (
	configuration_id INTEGER NOT NULL, 
	group_pk INTEGER NOT NULL, 
	PRIMARY KEY (configuration_id, group_pk), 
	FOREIGN KEY(configuration_id) REFERENCES configurations (id) ON DELETE CASCADE, 
	FOREIGN KEY(group_pk) REFERENCES groups (pk) ON DELETE CASCADE
)
 WITHOUT ROWID

;
CREATE TABLE configurations (
	id INTEGER NOT NULL PRIMARY KEY AUTOINCREMENT, 
	uuid VARCHAR NOT NULL, 
	name VARCHAR NOT NULL, 
	name_key VARCHAR NOT NULL, 
	type VARCHAR NOT NULL, 
	fields TEXT NOT NULL, 
	missing VARCHAR NOT NULL, 
	distribution VARCHAR NOT NULL, 
	version INTEGER NOT NULL, 
	created VARCHAR NOT NULL, 
	last_modified VARCHAR NOT NULL, 
	UNIQUE (name_key), 
	UNIQUE (uuid)
);
INSERT INTO "configurations" VALUES(1,'abdf32c2-a64d-4f10-89cc-2754b6329731','Intranet','intranet','webclip','{"label":"Office ${custAttr1}","url":"https://intranet.example.com/${custAttr1}","removable":false,"full_screen":false,"precomposed":false}','hold','everyone',1,'2026-11-25T01:02:00.884190Z','2026-11-25T01:02:00.884190Z');
CREATE TABLE custom_attributes (
	id INTEGER NOT NULL PRIMARY KEY AUTOINCREMENT, 
	name VARCHAR NOT NULL, 
	name_key VARCHAR NOT NULL, 
	type VARCHAR NOT NULL, 
	multi_valued BOOLEAN NOT NULL, 
	created VARCHAR NOT NULL, 
	UNIQUE (name_key)
);
INSERT INTO "custom_attributes" VALUES(1,'custAttr1','custattr1','string',0,'2026-11-25T01:02:00.343809Z');
CREATE TABLE deliveries (
	configuration_id INTEGER NOT NULL, 
	user_pk INTEGER NOT NULL, 
	state VARCHAR NOT NULL, 
	missing TEXT, 
	fingerprint VARCHAR, 
	revision INTEGER NOT NULL, 
	changed VARCHAR NOT NULL, 
	PRIMARY KEY (configuration_id, user_pk), 
	FOREIGN KEY(configuration_id) REFERENCES configurations (id) ON DELETE CASCADE, 
	FOREIGN KEY(user_pk) REFERENCES users (pk) ON DELETE CASCADE
)
 WITHOUT ROWID

;
INSERT INTO "deliveries" VALUES(1,1,'ready',NULL,'8fc31ea6a284adba2a3e2829726e1452',1,'2026-11-25T01:02:00.892958Z');
INSERT INTO "deliveries" VALUES(1,2,'held','{"custAttr1":"custAttr1 has no value: fill it in Okta."}',NULL,0,'2026-11-25T01:02:00.892958Z');
INSERT INTO "deliveries" VALUES(1,4,'held','{"custAttr1":"custAttr1 has no value: fill it in Okta."}',NULL,0,'2026-11-25T01:02:00.892958Z');
CREATE TABLE failed_sign_ins (
	id INTEGER NOT NULL, 
	"key" VARCHAR NOT NULL, 
	time VARCHAR NOT NULL, 
	PRIMARY KEY (id)
);
INSERT INTO "failed_sign_ins" VALUES(1,'account a@example.com','2026-11-25T01:02:00.771584Z');
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
INSERT INTO "groups" VALUES(1,'74774f15-8f00-4d3f-9b36-9dbecc28defb','Crew','crew',NULL,'scim','{"schemas":["urn:ietf:params:scim:schemas:core:2.0:Group"],"displayName":"Crew"}',3,'2026-11-25T01:02:00.423613Z','2026-11-25T01:02:00.476277Z',4,1);
INSERT INTO "groups" VALUES(2,'0cc1af33-751e-4920-a369-9f8075a15508','Empty','empty','g2','scim','{"schemas":["urn:ietf:params:scim:schemas:core:2.0:Group"],"displayName":"Empty","externalId":"g2"}',1,'2026-11-25T01:02:00.441916Z','2026-11-25T01:02:00.441916Z',0,0);
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
INSERT INTO "jobs" VALUES(1,'disable',NULL,'[]','Command line',1,1,1,NULL,'2026-11-25T01:02:00.771811Z','2026-11-25T01:02:00.778811Z');
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
INSERT INTO "links" VALUES('fb422995335c3b4c4492be02901c4995a23a07e7a5d198c56af4d4f26fa13ae3','invitation',1,NULL,'ada@example.com','Command line','2026-11-25T01:02:00.792296Z','2026-12-02T01:02:00.792308Z','2026-11-25T01:02:00.865888Z',NULL);
INSERT INTO "links" VALUES('98d1f340acd17937ec48dbd764d7ff87669a00cf3fd0e898313b7af4740622c6','invitation',4,NULL,'no@example.com','Command line','2026-11-25T01:02:00.793301Z','2026-12-02T01:02:00.793305Z',NULL,NULL);
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
INSERT INTO "outbox" VALUES(1,'invitation',4,NULL,'no@example.com','Y9__U_u_ZXHRAeWZTaaR9sYEglLA12U-SMKTnwfZY3t2yn7fK0-2ho451A==','98d1f340acd17937ec48dbd764d7ff87669a00cf3fd0e898313b7af4740622c6',NULL,'<e7620fa865de9ebca23635ef59b83ba5@rollcall.invalid>','waiting',0,'2026-11-25T01:02:00.793481Z',NULL,NULL,NULL,'2026-11-25T01:02:00.793486Z',NULL);
INSERT INTO "outbox" VALUES(2,'registered',1,NULL,'ada@example.com',NULL,NULL,NULL,'<957bb9adc45e56f5b0cbc92263afa37e@rollcall.invalid>','waiting',0,'2026-11-25T01:02:00.874306Z',NULL,NULL,NULL,'2026-11-25T01:02:00.874309Z',NULL);
CREATE TABLE people (
	user_pk INTEGER NOT NULL, 
	password_hash VARCHAR NOT NULL, 
	registered VARCHAR NOT NULL, 
	PRIMARY KEY (user_pk), 
	FOREIGN KEY(user_pk) REFERENCES users (pk) ON DELETE CASCADE
);
INSERT INTO "people" VALUES(1,'$argon2id$v=19$m=19456,t=2,p=1$lXojPO0C543Vop8fEH73sg$Wgkt/2WFQ2aBKumQB/X/7qPPPkyT+4ckWtLrqZvIXJQ','2026-11-25T01:02:00.872996Z');
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
INSERT INTO "provisioning_log" VALUES(1,'2026-11-25T01:02:00.376423Z',1,'127.0.0.1','POST','/scim/v2/Users','User','7fe75a37-4cc3-4009-a476-5938c9f5833e',201,NULL,NULL,24.13,NULL,'{"active": true, "displayName": "Ada Lovelace", "emails": [{"primary": true, "type": "work", "value": "ada@example.com"}, {"type": "home", "value": "ada@lovelace.org"}], "externalId": "00u1", "name": {"familyName": "Lovelace", "givenName": "Ada"}, "title": "Countess", "urn:ietf:params:scim:schemas:extension:ivanti:2.0:User": {"custAttr1": "Berlin"}, "userName": "Ada.Lovelace@example.com"}','{"id":"7fe75a37-4cc3-4009-a476-5938c9f5833e","schemas":["urn:ietf:params:scim:schemas:core:2.0:User","urn:ietf:params:scim:schemas:extension:ivanti:2.0:User"],"active":true,"displayName":"Ada Lovelace","emails":[{"primary":true,"type":"work","value":"ada@example.com"},{"type":"home","value":"ada@lovelace.org"}],"externalId":"00u1","name":{"familyName":"Lovelace","givenName":"Ada"},"title":"Countess","urn:ietf:params:scim:schemas:extension:ivanti:2.0:User":{"custAttr1":"Berlin"},"userName":"Ada.Lovelace@example.com","meta":{"resourceType":"User","created":"2026-11-25T01:02:00.354065Z","lastModified":"2026-11-25T01:02:00.354065Z","location":"https://rollcall.example.com/scim/v2/Users/7fe75a37-4cc3-4009-a476-5938c9f5833e","version":"W/\"1\""}}',NULL);
INSERT INTO "provisioning_log" VALUES(2,'2026-11-25T01:02:00.390805Z',1,'127.0.0.1','POST','/scim/v2/Users','User','c1e5da6a-4680-4aae-9682-5ff57fbac576',201,NULL,NULL,1.12,NULL,'{"active":true,"displayName":"José Łukasz 李","userName":"josé@example.com"}','{"id":"c1e5da6a-4680-4aae-9682-5ff57fbac576","schemas":["urn:ietf:params:scim:schemas:core:2.0:User"],"active":true,"displayName":"José Łukasz 李","userName":"josé@example.com","meta":{"resourceType":"User","created":"2026-11-25T01:02:00.390295Z","lastModified":"2026-11-25T01:02:00.390295Z","location":"https://rollcall.example.com/scim/v2/Users/c1e5da6a-4680-4aae-9682-5ff57fbac576","version":"W/\"1\""}}',NULL);
INSERT INTO "provisioning_log" VALUES(3,'2026-11-25T01:02:00.401392Z',1,'127.0.0.1','POST','/scim/v2/Users','User','2b9b5e8b-6cac-4c53-a45f-47a6f6144353',201,NULL,NULL,0.81,NULL,'{"active": false, "title": "it''s \"quoted\"; -- & <b>", "userName": "mallory"}','{"id":"2b9b5e8b-6cac-4c53-a45f-47a6f6144353","schemas":["urn:ietf:params:scim:schemas:core:2.0:User"],"active":false,"title":"it''s \"quoted\"; -- & <b>","userName":"mallory","meta":{"resourceType":"User","created":"2026-11-25T01:02:00.401104Z","lastModified":"2026-11-25T01:02:00.401104Z","location":"https://rollcall.example.com/scim/v2/Users/2b9b5e8b-6cac-4c53-a45f-47a6f6144353","version":"W/\"1\""}}',NULL);
INSERT INTO "provisioning_log" VALUES(4,'2026-11-25T01:02:00.406511Z',1,'127.0.0.1','POST','/scim/v2/Users','User','eba103fb-b66d-4681-818f-735e9a6ebf61',201,NULL,NULL,0.66,NULL,'{"emails": [{"value": "no@example.com"}], "userName": "noactive@example.com"}','{"id":"eba103fb-b66d-4681-818f-735e9a6ebf61","schemas":["urn:ietf:params:scim:schemas:core:2.0:User"],"emails":[{"value":"no@example.com"}],"userName":"noactive@example.com","active":true,"meta":{"resourceType":"User","created":"2026-11-25T01:02:00.406240Z","lastModified":"2026-11-25T01:02:00.406240Z","location":"https://rollcall.example.com/scim/v2/Users/eba103fb-b66d-4681-818f-735e9a6ebf61","version":"W/\"1\""}}',NULL);
INSERT INTO "provisioning_log" VALUES(5,'2026-11-25T01:02:00.418613Z',1,'127.0.0.1','POST','/scim/v2/Users','User','2bd2d6c8-8f9a-4264-b5aa-655de12bd1e9',201,NULL,NULL,0.83,NULL,'{"active": true, "userName": "gone@example.com"}','{"id":"2bd2d6c8-8f9a-4264-b5aa-655de12bd1e9","schemas":["urn:ietf:params:scim:schemas:core:2.0:User"],"active":true,"userName":"gone@example.com","meta":{"resourceType":"User","created":"2026-11-25T01:02:00.418307Z","lastModified":"2026-11-25T01:02:00.418307Z","location":"https://rollcall.example.com/scim/v2/Users/2bd2d6c8-8f9a-4264-b5aa-655de12bd1e9","version":"W/\"1\""}}',NULL);
INSERT INTO "provisioning_log" VALUES(6,'2026-11-25T01:02:00.425584Z',1,'127.0.0.1','POST','/scim/v2/Groups','Group','74774f15-8f00-4d3f-9b36-9dbecc28defb',201,NULL,NULL,2.41,NULL,'{"displayName": "Staff", "members": [{"value": "7fe75a37-4cc3-4009-a476-5938c9f5833e"}, {"value": "c1e5da6a-4680-4aae-9682-5ff57fbac576"}, {"value": "2b9b5e8b-6cac-4c53-a45f-47a6f6144353"}, {"value": "eba103fb-b66d-4681-818f-735e9a6ebf61"}, {"value": "2bd2d6c8-8f9a-4264-b5aa-655de12bd1e9"}]}','{"id":"74774f15-8f00-4d3f-9b36-9dbecc28defb","schemas":["urn:ietf:params:scim:schemas:core:2.0:Group"],"displayName":"Staff","members":[{"value":"7fe75a37-4cc3-4009-a476-5938c9f5833e","$ref":"https://rollcall.example.com/scim/v2/Users/7fe75a37-4cc3-4009-a476-5938c9f5833e","type":"User"},{"value":"c1e5da6a-4680-4aae-9682-5ff57fbac576","$ref":"https://rollcall.example.com/scim/v2/Users/c1e5da6a-4680-4aae-9682-5ff57fbac576","type":"User"},{"value":"2b9b5e8b-6cac-4c53-a45f-47a6f6144353","$ref":"https://rollcall.example.com/scim/v2/Users/2b9b5e8b-6cac-4c53-a45f-47a6f6144353","type":"User"},{"value":"eba103fb-b66d-4681-818f-735e9a6ebf61","$ref":"https://rollcall.example.com/scim/v2/Users/eba103fb-b66d-4681-818f-735e9a6ebf61","type":"User"},{"value":"2bd2d6c8-8f9a-4264-b5aa-655de12bd1e9","$ref":"https://rollcall.example.com/scim/v2/Users/2bd2d6c8-8f9a-4264-b5aa-655de12bd1e9","type":"User"}],"meta":{"resourceType":"Group","created":"2026-11-25T01:02:00.423613Z","lastModified":"2026-11-25T01:02:00.423613Z","location":"https://rollcall.example.com/scim/v2/Groups/74774f15-8f00-4d3f-9b36-9dbecc28defb","version":"W/\"1\""}}',NULL);
INSERT INTO "provisioning_log" VALUES(7,'2026-11-25T01:02:00.442194Z',1,'127.0.0.1','POST','/scim/v2/Groups','Group','0cc1af33-751e-4920-a369-9f8075a15508',201,NULL,NULL,0.8,NULL,'{"displayName": "Empty", "externalId": "g2"}','{"id":"0cc1af33-751e-4920-a369-9f8075a15508","schemas":["urn:ietf:params:scim:schemas:core:2.0:Group"],"displayName":"Empty","externalId":"g2","meta":{"resourceType":"Group","created":"2026-11-25T01:02:00.441916Z","lastModified":"2026-11-25T01:02:00.441916Z","location":"https://rollcall.example.com/scim/v2/Groups/0cc1af33-751e-4920-a369-9f8075a15508","version":"W/\"1\""}}',NULL);
INSERT INTO "provisioning_log" VALUES(8,'2026-11-25T01:02:00.452959Z',1,'127.0.0.1','PATCH','/scim/v2/Users/7fe75a37-4cc3-4009-a476-5938c9f5833e','User','7fe75a37-4cc3-4009-a476-5938c9f5833e',200,NULL,NULL,1.97,NULL,'{"Operations": [{"op": "replace", "path": "title", "value": "Mathematician"}]}','{"id":"7fe75a37-4cc3-4009-a476-5938c9f5833e","schemas":["urn:ietf:params:scim:schemas:core:2.0:User","urn:ietf:params:scim:schemas:extension:ivanti:2.0:User"],"active":true,"displayName":"Ada Lovelace","emails":[{"primary":true,"type":"work","value":"ada@example.com"},{"type":"home","value":"ada@lovelace.org"}],"externalId":"00u1","name":{"familyName":"Lovelace","givenName":"Ada"},"title":"Mathematician","urn:ietf:params:scim:schemas:extension:ivanti:2.0:User":{"custAttr1":"Berlin"},"userName":"Ada.Lovelace@example.com","groups":[{"value":"74774f15-8f00-4d3f-9b36-9dbecc28defb","$ref":"https://rollcall.example.com/scim/v2/Groups/74774f15-8f00-4d3f-9b36-9dbecc28defb","display":"Staff","type":"direct"}],"meta":{"resourceType":"User","created":"2026-11-25T01:02:00.354065Z","lastModified":"2026-11-25T01:02:00.452095Z","location":"https://rollcall.example.com/scim/v2/Users/7fe75a37-4cc3-4009-a476-5938c9f5833e","version":"W/\"2-0633c8fe\""}}',NULL);
INSERT INTO "provisioning_log" VALUES(9,'2026-11-25T01:02:00.468603Z',1,'127.0.0.1','PATCH','/scim/v2/Groups/74774f15-8f00-4d3f-9b36-9dbecc28defb','Group','74774f15-8f00-4d3f-9b36-9dbecc28defb',200,NULL,NULL,7.09,NULL,'{"Operations": [{"op": "replace", "value": {"displayName": "Crew"}}]}','{"id":"74774f15-8f00-4d3f-9b36-9dbecc28defb","schemas":["urn:ietf:params:scim:schemas:core:2.0:Group"],"displayName":"Crew","members":[{"value":"7fe75a37-4cc3-4009-a476-5938c9f5833e","$ref":"https://rollcall.example.com/scim/v2/Users/7fe75a37-4cc3-4009-a476-5938c9f5833e","type":"User"},{"value":"c1e5da6a-4680-4aae-9682-5ff57fbac576","$ref":"https://rollcall.example.com/scim/v2/Users/c1e5da6a-4680-4aae-9682-5ff57fbac576","type":"User"},{"value":"2b9b5e8b-6cac-4c53-a45f-47a6f6144353","$ref":"https://rollcall.example.com/scim/v2/Users/2b9b5e8b-6cac-4c53-a45f-47a6f6144353","type":"User"},{"value":"eba103fb-b66d-4681-818f-735e9a6ebf61","$ref":"https://rollcall.example.com/scim/v2/Users/eba103fb-b66d-4681-818f-735e9a6ebf61","type":"User"},{"value":"2bd2d6c8-8f9a-4264-b5aa-655de12bd1e9","$ref":"https://rollcall.example.com/scim/v2/Users/2bd2d6c8-8f9a-4264-b5aa-655de12bd1e9","type":"User"}],"meta":{"resourceType":"Group","created":"2026-11-25T01:02:00.423613Z","lastModified":"2026-11-25T01:02:00.462456Z","location":"https://rollcall.example.com/scim/v2/Groups/74774f15-8f00-4d3f-9b36-9dbecc28defb","version":"W/\"2\""}}',NULL);
INSERT INTO "provisioning_log" VALUES(10,'2026-11-25T01:02:00.478169Z',1,'127.0.0.1','DELETE','/scim/v2/Users/2bd2d6c8-8f9a-4264-b5aa-655de12bd1e9','User','2bd2d6c8-8f9a-4264-b5aa-655de12bd1e9',204,NULL,NULL,2.46,NULL,NULL,NULL,'gone@example.com');
INSERT INTO "provisioning_log" VALUES(11,'2026-11-25T01:02:00.489659Z',1,'127.0.0.1','POST','/scim/v2/Users',NULL,NULL,409,'uniqueness','The userName ''Ada.Lovelace@example.com'' is taken already; letter case does not count. Rename this one in Okta, or link it to the one that is here.',0.82,NULL,'{"active": true, "displayName": "Ada Lovelace", "emails": [{"primary": true, "type": "work", "value": "ada@example.com"}, {"type": "home", "value": "ada@lovelace.org"}], "externalId": "00u1", "name": {"familyName": "Lovelace", "givenName": "Ada"}, "title": "Countess", "urn:ietf:params:scim:schemas:extension:ivanti:2.0:User": {"custAttr1": "Berlin"}, "userName": "Ada.Lovelace@example.com"}','{"schemas":["urn:ietf:params:scim:api:messages:2.0:Error"],"status":"409","detail":"The userName ''Ada.Lovelace@example.com'' is taken already; letter case does not count. Rename this one in Okta, or link it to the one that is here.","scimType":"uniqueness"}','Ada.Lovelace@example.com');
INSERT INTO "provisioning_log" VALUES(12,'2026-11-25T01:02:00.490509Z',1,'127.0.0.1','GET','/scim/v2/Users/7fe75a37-4cc3-4009-a476-5938c9f5833e','User','7fe75a37-4cc3-4009-a476-5938c9f5833e',200,NULL,NULL,0.45,NULL,NULL,'{"id":"7fe75a37-4cc3-4009-a476-5938c9f5833e","schemas":["urn:ietf:params:scim:schemas:core:2.0:User","urn:ietf:params:scim:schemas:extension:ivanti:2.0:User"],"active":true,"displayName":"Ada Lovelace","emails":[{"primary":true,"type":"work","value":"ada@example.com"},{"type":"home","value":"ada@lovelace.org"}],"externalId":"00u1","name":{"familyName":"Lovelace","givenName":"Ada"},"title":"Mathematician","urn:ietf:params:scim:schemas:extension:ivanti:2.0:User":{"custAttr1":"Berlin"},"userName":"Ada.Lovelace@example.com","groups":[{"value":"74774f15-8f00-4d3f-9b36-9dbecc28defb","$ref":"https://rollcall.example.com/scim/v2/Groups/74774f15-8f00-4d3f-9b36-9dbecc28defb","display":"Crew","type":"direct"}],"meta":{"resourceType":"User","created":"2026-11-25T01:02:00.354065Z","lastModified":"2026-11-25T01:02:00.452095Z","location":"https://rollcall.example.com/scim/v2/Users/7fe75a37-4cc3-4009-a476-5938c9f5833e","version":"W/\"2-9e06078b\""}}',NULL);
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
INSERT INTO "sessions" VALUES('dddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddd',1,'{}','2026-11-25T01:02:00.771241Z','2026-11-25T01:02:00.771245Z',NULL);
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
INSERT INTO "tokens" VALUES(1,'Okta','cf960bb57fd25b77c6e28a72589e8755799002ddb6ee6e999c10cca918ab575e','ANCc','2026-11-25T01:02:00.240984Z',NULL,NULL,'2026-11-25T01:02:00.376423Z','127.0.0.1',NULL);
INSERT INTO "tokens" VALUES(2,'Old','c1e964b29753fd4c7fa79aaba03697bfc89c222fcef58d4ea127088af4017a80','M9mb','2026-11-25T01:02:00.283004Z',NULL,'2026-11-25T01:02:00.312569Z',NULL,NULL,NULL);
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
INSERT INTO "users" VALUES(1,'7fe75a37-4cc3-4009-a476-5938c9f5833e','ada.lovelace@example.com','Ada Lovelace','ada lovelace',1,'scim','{"schemas":["urn:ietf:params:scim:schemas:core:2.0:User","urn:ietf:params:scim:schemas:extension:ivanti:2.0:User"],"active":true,"displayName":"Ada Lovelace","emails":[{"primary":true,"type":"work","value":"ada@example.com"},{"type":"home","value":"ada@lovelace.org"}],"externalId":"00u1","name":{"familyName":"Lovelace","givenName":"Ada"},"title":"Mathematician","urn:ietf:params:scim:schemas:extension:ivanti:2.0:User":{"custAttr1":"Berlin"},"userName":"Ada.Lovelace@example.com"}',2,'2026-11-25T01:02:00.354065Z','2026-11-25T01:02:00.452095Z','completed');
INSERT INTO "users" VALUES(2,'c1e5da6a-4680-4aae-9682-5ff57fbac576','josé@example.com','José Łukasz 李','josé łukasz 李',1,'scim','{"schemas":["urn:ietf:params:scim:schemas:core:2.0:User"],"active":true,"displayName":"José Łukasz 李","userName":"josé@example.com"}',1,'2026-11-25T01:02:00.390295Z','2026-11-25T01:02:00.390295Z','not invited');
INSERT INTO "users" VALUES(3,'2b9b5e8b-6cac-4c53-a45f-47a6f6144353','mallory','mallory','mallory',0,'scim','{"schemas":["urn:ietf:params:scim:schemas:core:2.0:User"],"active":false,"title":"it''s \"quoted\"; -- & <b>","userName":"mallory"}',1,'2026-11-25T01:02:00.401104Z','2026-11-25T01:02:00.401104Z','not invited');
INSERT INTO "users" VALUES(4,'eba103fb-b66d-4681-818f-735e9a6ebf61','noactive@example.com','noactive@example.com','noactive@example.com',1,'scim','{"schemas":["urn:ietf:params:scim:schemas:core:2.0:User"],"emails":[{"value":"no@example.com"}],"userName":"noactive@example.com","active":true}',1,'2026-11-25T01:02:00.406240Z','2026-11-25T01:02:00.406240Z','pending');
INSERT INTO "users" VALUES(6,'fa56ccd1-87a7-4cf6-a6d8-1a635adea91e','local@example.com','Local Person','local person',0,'local','{"schemas":["urn:ietf:params:scim:schemas:core:2.0:User"],"userName":"local@example.com","displayName":"Local Person","active":false}',2,'2026-11-25T01:02:00.766762Z','2026-11-25T01:02:00.778015Z','not invited');
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
CREATE INDEX ix_sessions_administrator_id ON sessions (administrator_id);
CREATE INDEX ix_sessions_last_seen ON sessions (last_seen);
CREATE INDEX ix_sessions_user_pk ON sessions (user_pk);
CREATE INDEX ix_users_invited_display_key ON users (invite, display_key) WHERE invite <> 'not invited';
CREATE INDEX ix_users_invited_last_modified ON users (invite, last_modified) WHERE invite <> 'not invited';
CREATE INDEX ix_users_invited_user_name_key ON users (invite, user_name_key) WHERE invite <> 'not invited';
CREATE INDEX ix_configuration_groups_group ON configuration_groups (group_pk, configuration_id);
CREATE INDEX ix_deliveries_state ON deliveries (configuration_id, state, user_pk);
CREATE INDEX ix_deliveries_user ON deliveries (user_pk, configuration_id);
DELETE FROM "sqlite_sequence";
INSERT INTO "sqlite_sequence" VALUES('tokens',2);
INSERT INTO "sqlite_sequence" VALUES('audit',23);
INSERT INTO "sqlite_sequence" VALUES('custom_attributes',1);
INSERT INTO "sqlite_sequence" VALUES('users',6);
INSERT INTO "sqlite_sequence" VALUES('provisioning_log',12);
INSERT INTO "sqlite_sequence" VALUES('groups',2);
INSERT INTO "sqlite_sequence" VALUES('administrators',2);
INSERT INTO "sqlite_sequence" VALUES('jobs',1);
INSERT INTO "sqlite_sequence" VALUES('outbox',2);
INSERT INTO "sqlite_sequence" VALUES('configurations',1);
COMMIT;
