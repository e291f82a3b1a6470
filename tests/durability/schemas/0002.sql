-- token: rc_VbB1lJvzo2uEaH6KYH877L0vZT8waVsk2pcRuKqne9W0JYJ4a
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
INSERT INTO "administrators" VALUES(1,'admin@example.com','admin@example.com','administrator','$argon2id$v=19$m=19456,t=2,p=1$OkAVdkQqQYTOhb1RusCpbA$hs3zNdrM60jeiv4oIUwgFn7WTXtiXd2c3pZq1+XtmhM',NULL,'2026-11-25T01:01:50.593296Z',NULL);
INSERT INTO "administrators" VALUES(2,'desk@example.com','desk@example.com','helpdesk','$argon2id$v=19$m=19456,t=2,p=1$IwVrMWfgqwcRD3PZZuKX+A$E6ohA3fDRTLf2r4AQ88Wn6J65WKODR/ButbCUjKuf34',NULL,'2026-11-25T01:01:50.702809Z',NULL);
CREATE TABLE alembic_version (
	version_num VARCHAR(32) NOT NULL, 
	CONSTRAINT alembic_version_pkc PRIMARY KEY (version_num)
);
INSERT INTO "alembic_version" VALUES('0002');
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
INSERT INTO "audit" VALUES(1,'2026-11-25T01:01:50.154218Z','Command line',NULL,'created','Token','1','Okta',NULL,'{"last_four":"YJ4a","expires":null}');
INSERT INTO "audit" VALUES(2,'2026-11-25T01:01:50.179796Z','Command line',NULL,'created','Token','2','Old',NULL,'{"last_four":"TfQa","expires":null}');
INSERT INTO "audit" VALUES(3,'2026-11-25T01:01:50.207537Z','Command line',NULL,'removed','Token','2','Old','{"state":"Active"}','{"state":"Removed"}');
INSERT INTO "audit" VALUES(4,'2026-11-25T01:01:50.239590Z','Command line',NULL,'created','Attribute','custAttr1','custAttr1',NULL,'{"type":"string","multiValued":false}');
INSERT INTO "audit" VALUES(5,'2026-11-25T01:01:50.256650Z','SCIM Okta (Okta)',1,'created','User','87ff6a43-eeab-4249-916f-98e206e95b9c','Ada.Lovelace@example.com',NULL,'{"schemas":["urn:ietf:params:scim:schemas:core:2.0:User","urn:ietf:params:scim:schemas:extension:ivanti:2.0:User"],"active":true,"displayName":"Ada Lovelace","emails":[{"primary":true,"type":"work","value":"ada@example.com"},{"type":"home","value":"ada@lovelace.org"}],"externalId":"00u1","name":{"familyName":"Lovelace","givenName":"Ada"},"title":"Countess","urn:ietf:params:scim:schemas:extension:ivanti:2.0:User":{"custAttr1":"Berlin"},"userName":"Ada.Lovelace@example.com"}');
INSERT INTO "audit" VALUES(6,'2026-11-25T01:01:50.272578Z','SCIM Okta (Okta)',1,'created','User','44fb4bf8-ccc1-4be6-b473-02fa57f0f310','josé@example.com',NULL,'{"schemas":["urn:ietf:params:scim:schemas:core:2.0:User"],"active":true,"displayName":"José Łukasz 李","userName":"josé@example.com"}');
INSERT INTO "audit" VALUES(7,'2026-11-25T01:01:50.280895Z','SCIM Okta (Okta)',1,'created','User','5a7564ca-ee91-454a-8930-ded1099650c2','mallory',NULL,'{"schemas":["urn:ietf:params:scim:schemas:core:2.0:User"],"active":false,"title":"it''s \"quoted\"; -- & <b>","userName":"mallory"}');
INSERT INTO "audit" VALUES(8,'2026-11-25T01:01:50.290606Z','SCIM Okta (Okta)',1,'created','User','ee17294c-b85b-49d5-baa3-b62a5a6684e1','noactive@example.com',NULL,'{"schemas":["urn:ietf:params:scim:schemas:core:2.0:User"],"emails":[{"value":"no@example.com"}],"userName":"noactive@example.com","active":true}');
INSERT INTO "audit" VALUES(9,'2026-11-25T01:01:50.302957Z','SCIM Okta (Okta)',1,'created','User','62a8a488-0132-4a38-98a9-8bc0e3b19a64','gone@example.com',NULL,'{"schemas":["urn:ietf:params:scim:schemas:core:2.0:User"],"active":true,"userName":"gone@example.com"}');
INSERT INTO "audit" VALUES(10,'2026-11-25T01:01:50.325097Z','SCIM Okta (Okta)',1,'created','Group','91a12744-22ba-47b5-b968-1b0a2d3c8ed3','Staff',NULL,'{"schemas":["urn:ietf:params:scim:schemas:core:2.0:Group"],"displayName":"Staff","members":["44fb4bf8-ccc1-4be6-b473-02fa57f0f310","5a7564ca-ee91-454a-8930-ded1099650c2","62a8a488-0132-4a38-98a9-8bc0e3b19a64","87ff6a43-eeab-4249-916f-98e206e95b9c","ee17294c-b85b-49d5-baa3-b62a5a6684e1"]}');
INSERT INTO "audit" VALUES(11,'2026-11-25T01:01:50.340368Z','SCIM Okta (Okta)',1,'created','Group','2b1edd54-3442-40c1-b8aa-fff3d4202665','Empty',NULL,'{"schemas":["urn:ietf:params:scim:schemas:core:2.0:Group"],"displayName":"Empty","externalId":"g2"}');
INSERT INTO "audit" VALUES(12,'2026-11-25T01:01:50.355397Z','SCIM Okta (Okta)',1,'changed','User','87ff6a43-eeab-4249-916f-98e206e95b9c','Ada.Lovelace@example.com','{"title":"Countess"}','{"title":"Mathematician"}');
INSERT INTO "audit" VALUES(13,'2026-11-25T01:01:50.372072Z','SCIM Okta (Okta)',1,'changed','Group','91a12744-22ba-47b5-b968-1b0a2d3c8ed3','Crew','{"displayName":"Staff"}','{"displayName":"Crew"}');
INSERT INTO "audit" VALUES(14,'2026-11-25T01:01:50.386715Z','SCIM Okta (Okta)',1,'deleted','User','62a8a488-0132-4a38-98a9-8bc0e3b19a64','gone@example.com','{"schemas":["urn:ietf:params:scim:schemas:core:2.0:User"],"active":true,"userName":"gone@example.com"}',NULL);
INSERT INTO "audit" VALUES(15,'2026-11-25T01:01:50.594034Z','Command line',NULL,'created','Administrator','1','admin@example.com',NULL,'{"email":"admin@example.com","role":"administrator"}');
INSERT INTO "audit" VALUES(16,'2026-11-25T01:01:50.711204Z','Command line',NULL,'created','Administrator','2','desk@example.com',NULL,'{"email":"desk@example.com","role":"helpdesk"}');
INSERT INTO "audit" VALUES(17,'2026-11-25T01:01:50.714370Z','Command line',NULL,'changed','Setting','log_days','log_days','{"log_days":30}','{"log_days":90}');
INSERT INTO "audit" VALUES(18,'2026-11-25T01:01:50.714639Z','Command line',NULL,'created','User','37f85490-7db2-4ada-b0d8-69ce79418316','local@example.com',NULL,'{"schemas":["urn:ietf:params:scim:schemas:core:2.0:User"],"userName":"local@example.com","displayName":"Local Person","active":true}');
INSERT INTO "audit" VALUES(19,'2026-11-25T01:01:50.734141Z','Command line',NULL,'changed','User','37f85490-7db2-4ada-b0d8-69ce79418316','local@example.com','{"active":true}','{"active":false}');
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
INSERT INTO "custom_attributes" VALUES(1,'custAttr1','custattr1','string',0,'2026-11-25T01:01:50.226851Z');
CREATE TABLE failed_sign_ins (
	id INTEGER NOT NULL, 
	"key" VARCHAR NOT NULL, 
	time VARCHAR NOT NULL, 
	PRIMARY KEY (id)
);
INSERT INTO "failed_sign_ins" VALUES(1,'account a@example.com','2026-11-25T01:01:50.720952Z');
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
INSERT INTO "groups" VALUES(1,'91a12744-22ba-47b5-b968-1b0a2d3c8ed3','Crew','crew',NULL,'scim','{"schemas":["urn:ietf:params:scim:schemas:core:2.0:Group"],"displayName":"Crew"}',3,'2026-11-25T01:01:50.317951Z','2026-11-25T01:01:50.385220Z',4,1);
INSERT INTO "groups" VALUES(2,'2b1edd54-3442-40c1-b8aa-fff3d4202665','Empty','empty','g2','scim','{"schemas":["urn:ietf:params:scim:schemas:core:2.0:Group"],"displayName":"Empty","externalId":"g2"}',1,'2026-11-25T01:01:50.340200Z','2026-11-25T01:01:50.340200Z',0,0);
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
INSERT INTO "jobs" VALUES(1,'disable',NULL,'[]','Command line',1,1,1,NULL,'2026-11-25T01:01:50.721272Z','2026-11-25T01:01:50.734181Z');
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
INSERT INTO "provisioning_log" VALUES(1,'2026-11-25T01:01:50.259838Z',1,'127.0.0.1','POST','/scim/v2/Users','User','87ff6a43-eeab-4249-916f-98e206e95b9c',201,NULL,NULL,15.01,NULL,'{"active": true, "displayName": "Ada Lovelace", "emails": [{"primary": true, "type": "work", "value": "ada@example.com"}, {"type": "home", "value": "ada@lovelace.org"}], "externalId": "00u1", "name": {"familyName": "Lovelace", "givenName": "Ada"}, "title": "Countess", "urn:ietf:params:scim:schemas:extension:ivanti:2.0:User": {"custAttr1": "Berlin"}, "userName": "Ada.Lovelace@example.com"}','{"id":"87ff6a43-eeab-4249-916f-98e206e95b9c","schemas":["urn:ietf:params:scim:schemas:core:2.0:User","urn:ietf:params:scim:schemas:extension:ivanti:2.0:User"],"active":true,"displayName":"Ada Lovelace","emails":[{"primary":true,"type":"work","value":"ada@example.com"},{"type":"home","value":"ada@lovelace.org"}],"externalId":"00u1","name":{"familyName":"Lovelace","givenName":"Ada"},"title":"Countess","urn:ietf:params:scim:schemas:extension:ivanti:2.0:User":{"custAttr1":"Berlin"},"userName":"Ada.Lovelace@example.com","meta":{"resourceType":"User","created":"2026-11-25T01:01:50.254603Z","lastModified":"2026-11-25T01:01:50.254603Z","location":"https://rollcall.example.com/scim/v2/Users/87ff6a43-eeab-4249-916f-98e206e95b9c","version":"W/\"1\""}}',NULL);
INSERT INTO "provisioning_log" VALUES(2,'2026-11-25T01:01:50.272682Z',1,'127.0.0.1','POST','/scim/v2/Users','User','44fb4bf8-ccc1-4be6-b473-02fa57f0f310',201,NULL,NULL,0.78,NULL,'{"active":true,"displayName":"José Łukasz 李","userName":"josé@example.com"}','{"id":"44fb4bf8-ccc1-4be6-b473-02fa57f0f310","schemas":["urn:ietf:params:scim:schemas:core:2.0:User"],"active":true,"displayName":"José Łukasz 李","userName":"josé@example.com","meta":{"resourceType":"User","created":"2026-11-25T01:01:50.272323Z","lastModified":"2026-11-25T01:01:50.272323Z","location":"https://rollcall.example.com/scim/v2/Users/44fb4bf8-ccc1-4be6-b473-02fa57f0f310","version":"W/\"1\""}}',NULL);
INSERT INTO "provisioning_log" VALUES(3,'2026-11-25T01:01:50.280990Z',1,'127.0.0.1','POST','/scim/v2/Users','User','5a7564ca-ee91-454a-8930-ded1099650c2',201,NULL,NULL,0.68,NULL,'{"active": false, "title": "it''s \"quoted\"; -- & <b>", "userName": "mallory"}','{"id":"5a7564ca-ee91-454a-8930-ded1099650c2","schemas":["urn:ietf:params:scim:schemas:core:2.0:User"],"active":false,"title":"it''s \"quoted\"; -- & <b>","userName":"mallory","meta":{"resourceType":"User","created":"2026-11-25T01:01:50.280756Z","lastModified":"2026-11-25T01:01:50.280756Z","location":"https://rollcall.example.com/scim/v2/Users/5a7564ca-ee91-454a-8930-ded1099650c2","version":"W/\"1\""}}',NULL);
INSERT INTO "provisioning_log" VALUES(4,'2026-11-25T01:01:50.290706Z',1,'127.0.0.1','POST','/scim/v2/Users','User','ee17294c-b85b-49d5-baa3-b62a5a6684e1',201,NULL,NULL,0.7,NULL,'{"emails": [{"value": "no@example.com"}], "userName": "noactive@example.com"}','{"id":"ee17294c-b85b-49d5-baa3-b62a5a6684e1","schemas":["urn:ietf:params:scim:schemas:core:2.0:User"],"emails":[{"value":"no@example.com"}],"userName":"noactive@example.com","active":true,"meta":{"resourceType":"User","created":"2026-11-25T01:01:50.290415Z","lastModified":"2026-11-25T01:01:50.290415Z","location":"https://rollcall.example.com/scim/v2/Users/ee17294c-b85b-49d5-baa3-b62a5a6684e1","version":"W/\"1\""}}',NULL);
INSERT INTO "provisioning_log" VALUES(5,'2026-11-25T01:01:50.303066Z',1,'127.0.0.1','POST','/scim/v2/Users','User','62a8a488-0132-4a38-98a9-8bc0e3b19a64',201,NULL,NULL,0.68,NULL,'{"active": true, "userName": "gone@example.com"}','{"id":"62a8a488-0132-4a38-98a9-8bc0e3b19a64","schemas":["urn:ietf:params:scim:schemas:core:2.0:User"],"active":true,"userName":"gone@example.com","meta":{"resourceType":"User","created":"2026-11-25T01:01:50.302772Z","lastModified":"2026-11-25T01:01:50.302772Z","location":"https://rollcall.example.com/scim/v2/Users/62a8a488-0132-4a38-98a9-8bc0e3b19a64","version":"W/\"1\""}}',NULL);
INSERT INTO "provisioning_log" VALUES(6,'2026-11-25T01:01:50.334654Z',1,'127.0.0.1','POST','/scim/v2/Groups','Group','91a12744-22ba-47b5-b968-1b0a2d3c8ed3',201,NULL,NULL,17.12,NULL,'{"displayName": "Staff", "members": [{"value": "87ff6a43-eeab-4249-916f-98e206e95b9c"}, {"value": "44fb4bf8-ccc1-4be6-b473-02fa57f0f310"}, {"value": "5a7564ca-ee91-454a-8930-ded1099650c2"}, {"value": "ee17294c-b85b-49d5-baa3-b62a5a6684e1"}, {"value": "62a8a488-0132-4a38-98a9-8bc0e3b19a64"}]}','{"id":"91a12744-22ba-47b5-b968-1b0a2d3c8ed3","schemas":["urn:ietf:params:scim:schemas:core:2.0:Group"],"displayName":"Staff","members":[{"value":"87ff6a43-eeab-4249-916f-98e206e95b9c","$ref":"https://rollcall.example.com/scim/v2/Users/87ff6a43-eeab-4249-916f-98e206e95b9c","type":"User"},{"value":"44fb4bf8-ccc1-4be6-b473-02fa57f0f310","$ref":"https://rollcall.example.com/scim/v2/Users/44fb4bf8-ccc1-4be6-b473-02fa57f0f310","type":"User"},{"value":"5a7564ca-ee91-454a-8930-ded1099650c2","$ref":"https://rollcall.example.com/scim/v2/Users/5a7564ca-ee91-454a-8930-ded1099650c2","type":"User"},{"value":"ee17294c-b85b-49d5-baa3-b62a5a6684e1","$ref":"https://rollcall.example.com/scim/v2/Users/ee17294c-b85b-49d5-baa3-b62a5a6684e1","type":"User"},{"value":"62a8a488-0132-4a38-98a9-8bc0e3b19a64","$ref":"https://rollcall.example.com/scim/v2/Users/62a8a488-0132-4a38-98a9-8bc0e3b19a64","type":"User"}],"meta":{"resourceType":"Group","created":"2026-11-25T01:01:50.317951Z","lastModified":"2026-11-25T01:01:50.317951Z","location":"https://rollcall.example.com/scim/v2/Groups/91a12744-22ba-47b5-b968-1b0a2d3c8ed3","version":"W/\"1\""}}',NULL);
INSERT INTO "provisioning_log" VALUES(7,'2026-11-25T01:01:50.340489Z',1,'127.0.0.1','POST','/scim/v2/Groups','Group','2b1edd54-3442-40c1-b8aa-fff3d4202665',201,NULL,NULL,0.72,NULL,'{"displayName": "Empty", "externalId": "g2"}','{"id":"2b1edd54-3442-40c1-b8aa-fff3d4202665","schemas":["urn:ietf:params:scim:schemas:core:2.0:Group"],"displayName":"Empty","externalId":"g2","meta":{"resourceType":"Group","created":"2026-11-25T01:01:50.340200Z","lastModified":"2026-11-25T01:01:50.340200Z","location":"https://rollcall.example.com/scim/v2/Groups/2b1edd54-3442-40c1-b8aa-fff3d4202665","version":"W/\"1\""}}',NULL);
INSERT INTO "provisioning_log" VALUES(8,'2026-11-25T01:01:50.355556Z',1,'127.0.0.1','PATCH','/scim/v2/Users/87ff6a43-eeab-4249-916f-98e206e95b9c','User','87ff6a43-eeab-4249-916f-98e206e95b9c',200,NULL,NULL,6.19,NULL,'{"Operations": [{"op": "replace", "path": "title", "value": "Mathematician"}]}','{"id":"87ff6a43-eeab-4249-916f-98e206e95b9c","schemas":["urn:ietf:params:scim:schemas:core:2.0:User","urn:ietf:params:scim:schemas:extension:ivanti:2.0:User"],"active":true,"displayName":"Ada Lovelace","emails":[{"primary":true,"type":"work","value":"ada@example.com"},{"type":"home","value":"ada@lovelace.org"}],"externalId":"00u1","name":{"familyName":"Lovelace","givenName":"Ada"},"title":"Mathematician","urn:ietf:params:scim:schemas:extension:ivanti:2.0:User":{"custAttr1":"Berlin"},"userName":"Ada.Lovelace@example.com","groups":[{"value":"91a12744-22ba-47b5-b968-1b0a2d3c8ed3","$ref":"https://rollcall.example.com/scim/v2/Groups/91a12744-22ba-47b5-b968-1b0a2d3c8ed3","display":"Staff","type":"direct"}],"meta":{"resourceType":"User","created":"2026-11-25T01:01:50.254603Z","lastModified":"2026-11-25T01:01:50.350363Z","location":"https://rollcall.example.com/scim/v2/Users/87ff6a43-eeab-4249-916f-98e206e95b9c","version":"W/\"2-b15a144a\""}}',NULL);
INSERT INTO "provisioning_log" VALUES(9,'2026-11-25T01:01:50.372382Z',1,'127.0.0.1','PATCH','/scim/v2/Groups/91a12744-22ba-47b5-b968-1b0a2d3c8ed3','Group','91a12744-22ba-47b5-b968-1b0a2d3c8ed3',200,NULL,NULL,6.16,NULL,'{"Operations": [{"op": "replace", "value": {"displayName": "Crew"}}]}','{"id":"91a12744-22ba-47b5-b968-1b0a2d3c8ed3","schemas":["urn:ietf:params:scim:schemas:core:2.0:Group"],"displayName":"Crew","members":[{"value":"87ff6a43-eeab-4249-916f-98e206e95b9c","$ref":"https://rollcall.example.com/scim/v2/Users/87ff6a43-eeab-4249-916f-98e206e95b9c","type":"User"},{"value":"44fb4bf8-ccc1-4be6-b473-02fa57f0f310","$ref":"https://rollcall.example.com/scim/v2/Users/44fb4bf8-ccc1-4be6-b473-02fa57f0f310","type":"User"},{"value":"5a7564ca-ee91-454a-8930-ded1099650c2","$ref":"https://rollcall.example.com/scim/v2/Users/5a7564ca-ee91-454a-8930-ded1099650c2","type":"User"},{"value":"ee17294c-b85b-49d5-baa3-b62a5a6684e1","$ref":"https://rollcall.example.com/scim/v2/Users/ee17294c-b85b-49d5-baa3-b62a5a6684e1","type":"User"},{"value":"62a8a488-0132-4a38-98a9-8bc0e3b19a64","$ref":"https://rollcall.example.com/scim/v2/Users/62a8a488-0132-4a38-98a9-8bc0e3b19a64","type":"User"}],"meta":{"resourceType":"Group","created":"2026-11-25T01:01:50.317951Z","lastModified":"2026-11-25T01:01:50.371738Z","location":"https://rollcall.example.com/scim/v2/Groups/91a12744-22ba-47b5-b968-1b0a2d3c8ed3","version":"W/\"2\""}}',NULL);
INSERT INTO "provisioning_log" VALUES(10,'2026-11-25T01:01:50.386814Z',1,'127.0.0.1','DELETE','/scim/v2/Users/62a8a488-0132-4a38-98a9-8bc0e3b19a64','User','62a8a488-0132-4a38-98a9-8bc0e3b19a64',204,NULL,NULL,2.05,NULL,NULL,NULL,'gone@example.com');
INSERT INTO "provisioning_log" VALUES(11,'2026-11-25T01:01:50.394148Z',1,'127.0.0.1','POST','/scim/v2/Users',NULL,NULL,409,'uniqueness','The userName ''Ada.Lovelace@example.com'' is taken already; letter case does not count. Rename this one in Okta, or link it to the one that is here.',1.23,NULL,'{"active": true, "displayName": "Ada Lovelace", "emails": [{"primary": true, "type": "work", "value": "ada@example.com"}, {"type": "home", "value": "ada@lovelace.org"}], "externalId": "00u1", "name": {"familyName": "Lovelace", "givenName": "Ada"}, "title": "Countess", "urn:ietf:params:scim:schemas:extension:ivanti:2.0:User": {"custAttr1": "Berlin"}, "userName": "Ada.Lovelace@example.com"}','{"schemas":["urn:ietf:params:scim:api:messages:2.0:Error"],"status":"409","detail":"The userName ''Ada.Lovelace@example.com'' is taken already; letter case does not count. Rename this one in Okta, or link it to the one that is here.","scimType":"uniqueness"}','Ada.Lovelace@example.com');
INSERT INTO "provisioning_log" VALUES(12,'2026-11-25T01:01:50.398013Z',1,'127.0.0.1','GET','/scim/v2/Users/87ff6a43-eeab-4249-916f-98e206e95b9c','User','87ff6a43-eeab-4249-916f-98e206e95b9c',200,NULL,NULL,3.57,NULL,NULL,'{"id":"87ff6a43-eeab-4249-916f-98e206e95b9c","schemas":["urn:ietf:params:scim:schemas:core:2.0:User","urn:ietf:params:scim:schemas:extension:ivanti:2.0:User"],"active":true,"displayName":"Ada Lovelace","emails":[{"primary":true,"type":"work","value":"ada@example.com"},{"type":"home","value":"ada@lovelace.org"}],"externalId":"00u1","name":{"familyName":"Lovelace","givenName":"Ada"},"title":"Mathematician","urn:ietf:params:scim:schemas:extension:ivanti:2.0:User":{"custAttr1":"Berlin"},"userName":"Ada.Lovelace@example.com","groups":[{"value":"91a12744-22ba-47b5-b968-1b0a2d3c8ed3","$ref":"https://rollcall.example.com/scim/v2/Groups/91a12744-22ba-47b5-b968-1b0a2d3c8ed3","display":"Crew","type":"direct"}],"meta":{"resourceType":"User","created":"2026-11-25T01:01:50.254603Z","lastModified":"2026-11-25T01:01:50.350363Z","location":"https://rollcall.example.com/scim/v2/Users/87ff6a43-eeab-4249-916f-98e206e95b9c","version":"W/\"2-4a8688f5\""}}',NULL);
CREATE TABLE sessions (
	digest VARCHAR NOT NULL, 
	administrator_id INTEGER, 
	data TEXT NOT NULL, 
	created VARCHAR NOT NULL, 
	last_seen VARCHAR NOT NULL, 
	PRIMARY KEY (digest), 
	FOREIGN KEY(administrator_id) REFERENCES administrators (id) ON DELETE CASCADE
);
INSERT INTO "sessions" VALUES('dddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddd',1,'{}','2026-11-25T01:01:50.714667Z','2026-11-25T01:01:50.714670Z');
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
INSERT INTO "tokens" VALUES(1,'Okta','db07c79ddd17d74c6b3666437e0ba77f877d954a70fe459aff15fd1cfd5fa5e3','YJ4a','2026-11-25T01:01:50.153694Z',NULL,NULL,'2026-11-25T01:01:50.259838Z','127.0.0.1',NULL);
INSERT INTO "tokens" VALUES(2,'Old','0aa11d63b766bd684e03f8720efd7dab2ff1886a327794845ea5d8568a3c3085','TfQa','2026-11-25T01:01:50.179644Z',NULL,'2026-11-25T01:01:50.198183Z',NULL,NULL,NULL);
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
INSERT INTO "user_counts" VALUES('scim',1,'not invited',3);
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
INSERT INTO "users" VALUES(1,'87ff6a43-eeab-4249-916f-98e206e95b9c','ada.lovelace@example.com','Ada Lovelace','ada lovelace',1,'scim','{"schemas":["urn:ietf:params:scim:schemas:core:2.0:User","urn:ietf:params:scim:schemas:extension:ivanti:2.0:User"],"active":true,"displayName":"Ada Lovelace","emails":[{"primary":true,"type":"work","value":"ada@example.com"},{"type":"home","value":"ada@lovelace.org"}],"externalId":"00u1","name":{"familyName":"Lovelace","givenName":"Ada"},"title":"Mathematician","urn:ietf:params:scim:schemas:extension:ivanti:2.0:User":{"custAttr1":"Berlin"},"userName":"Ada.Lovelace@example.com"}',2,'2026-11-25T01:01:50.254603Z','2026-11-25T01:01:50.350363Z','not invited');
INSERT INTO "users" VALUES(2,'44fb4bf8-ccc1-4be6-b473-02fa57f0f310','josé@example.com','José Łukasz 李','josé łukasz 李',1,'scim','{"schemas":["urn:ietf:params:scim:schemas:core:2.0:User"],"active":true,"displayName":"José Łukasz 李","userName":"josé@example.com"}',1,'2026-11-25T01:01:50.272323Z','2026-11-25T01:01:50.272323Z','not invited');
INSERT INTO "users" VALUES(3,'5a7564ca-ee91-454a-8930-ded1099650c2','mallory','mallory','mallory',0,'scim','{"schemas":["urn:ietf:params:scim:schemas:core:2.0:User"],"active":false,"title":"it''s \"quoted\"; -- & <b>","userName":"mallory"}',1,'2026-11-25T01:01:50.280756Z','2026-11-25T01:01:50.280756Z','not invited');
INSERT INTO "users" VALUES(4,'ee17294c-b85b-49d5-baa3-b62a5a6684e1','noactive@example.com','noactive@example.com','noactive@example.com',1,'scim','{"schemas":["urn:ietf:params:scim:schemas:core:2.0:User"],"emails":[{"value":"no@example.com"}],"userName":"noactive@example.com","active":true}',1,'2026-11-25T01:01:50.290415Z','2026-11-25T01:01:50.290415Z','not invited');
INSERT INTO "users" VALUES(6,'37f85490-7db2-4ada-b0d8-69ce79418316','local@example.com','Local Person','local person',0,'local','{"schemas":["urn:ietf:params:scim:schemas:core:2.0:User"],"userName":"local@example.com","displayName":"Local Person","active":false}',2,'2026-11-25T01:01:50.714471Z','2026-11-25T01:01:50.733918Z','not invited');
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
CREATE INDEX ix_sessions_administrator_id ON sessions (administrator_id);
CREATE INDEX ix_sessions_last_seen ON sessions (last_seen);
CREATE INDEX ix_provisioning_log_time ON provisioning_log (time, status, method);
CREATE INDEX ix_provisioning_log_failures ON provisioning_log (id) WHERE status >= 400;
CREATE INDEX ix_users_disabled_display_key ON users (display_key) WHERE active IS NOT 1;
CREATE INDEX ix_users_disabled_last_modified ON users (last_modified) WHERE active IS NOT 1;
CREATE INDEX ix_users_disabled_user_name_key ON users (user_name_key) WHERE active IS NOT 1;
CREATE INDEX ix_users_local_display_key ON users (display_key) WHERE source = 'local';
CREATE INDEX ix_users_local_last_modified ON users (last_modified) WHERE source = 'local';
CREATE INDEX ix_users_local_user_name_key ON users (user_name_key) WHERE source = 'local';
DELETE FROM "sqlite_sequence";
INSERT INTO "sqlite_sequence" VALUES('tokens',2);
INSERT INTO "sqlite_sequence" VALUES('audit',19);
INSERT INTO "sqlite_sequence" VALUES('custom_attributes',1);
INSERT INTO "sqlite_sequence" VALUES('users',6);
INSERT INTO "sqlite_sequence" VALUES('provisioning_log',12);
INSERT INTO "sqlite_sequence" VALUES('groups',2);
INSERT INTO "sqlite_sequence" VALUES('administrators',2);
INSERT INTO "sqlite_sequence" VALUES('jobs',1);
COMMIT;
