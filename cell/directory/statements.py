"""The statements of the paths that are taken hundreds of times a second: one an operation where that can be.

`$1` is always the workspace. The answers are made of JSON here, so that no document is read only to be written again.
"""

from contracts.directory import MOST_MEMBERS
from kit.tenancy import in_scope

# The token that calls; $2 its digest. One that has ended is told apart, so that its use can be shown to an admin.
LIVES = "c.revoked_at IS NULL AND (c.expires_at IS NULL OR c.expires_at > now())"
CREDENTIAL = (
    "SELECT c.id AS token_id, c.name AS token_name, " + LIVES + " AS lives, c.refused_at "
    "FROM provisioning_tokens c WHERE c.workspace_id = $1 AND c.digest = $2"
)
REFUSED_NOW = "UPDATE provisioning_tokens SET refused_at = now() WHERE workspace_id = $1 AND id = $2"
_CALLER = (
    " LEFT JOIN provisioning_tokens c ON c.workspace_id = $1 AND c.digest = $2 AND "
    + LIVES
    + " LEFT JOIN directory_log l ON l.workspace_id = $1 AND l.request_id = $3"
)
_CALLER_FIELDS = "c.id AS token_id, c.name AS token_name, l.subject_id AS done, l.verb AS did, l.result"

# Items are put together as text: the documents are JSON already, and taking them apart to join them again would take
# three times as long. A document has a name at least, so that what is set before it ends with a comma.
_GROUPS = """coalesce((
  SELECT ',"groups":[' || string_agg(json_build_object(
           'value', g.id, 'display', g.document->>'display_name', 'type', 'direct')::text, ','
           ORDER BY g.display_name_norm) || ']'
    FROM directory_members m
    JOIN directory_groups g ON g.workspace_id = m.workspace_id AND g.id = m.group_id
   WHERE m.workspace_id = d.workspace_id AND m.member_id = d.id), '')"""
_MEMBERS = f"""coalesce((
  SELECT ',"members":' || CASE WHEN count(*) > {MOST_MEMBERS} THEN 'null'
           ELSE '[' || string_agg('{{"value":"' || m.member_id || '"}}', ',') || ']' END
    FROM (SELECT member_id FROM directory_members
           WHERE workspace_id = d.workspace_id AND group_id = d.id LIMIT {MOST_MEMBERS + 1}) m
  HAVING count(*) > 0), '')"""


def _item(version: str, *more: str) -> str:
    """An `Item` as text; `more` are texts that stand between what is settled and the document."""
    begin = f"""'{{"id":"' || d.id || '","version":' || {version} || ',"document":{{"id":"' || d.id
       || '","created_at":' || to_json(d.created_at) || ',"changed_at":' || to_json(d.changed_at)"""
    return " || ".join(("(" + begin, *more, "',' || substr(d.document::text, 2) || '}')"))


# A person is another one when an admin switches them off, or when one of their groups is renamed or gone. A number that
# all of these raised would be written for each member of the group: so the version is a digest of the row's own number
# and of what is shown besides the row. 56 bits of it are enough, and are a number to everybody.
_VERSION = "(('x' || left(md5(d.version || shown.text), 14))::bit(56)::bigint + 1)"


def _shown(active: str) -> str:
    """What is shown of a person besides the row; `OFFSET 0` has the groups looked up once, and said twice."""
    return f"""(SELECT ',"active":' || {active} || {_GROUPS} AS text OFFSET 0) shown"""


def _person(active: str) -> str:
    """The `Item` of a person."""
    return f"(SELECT {_item(_VERSION, 'shown.text')} FROM {_shown(active)})"


PERSON_ITEM = _person("p.active")
# On a page they are looked up one by one: joined, all people of the workspace may be read for a hundred of them.
LISTED_PERSON_ITEM = _person("(SELECT p.active FROM people p WHERE p.workspace_id = d.workspace_id AND p.id = d.id)")
GROUP_ITEM = _item("d.version")
GROUP_ITEM_WITH_MEMBERS = _item("d.version", _MEMBERS)
# How many groups of a page are shown: those before the first by which it would name too many members, and one at least.
GROUPS_SHOWN = f"""(
  WITH RECURSIVE walk (place, members) AS (
    SELECT 0::bigint, 0::bigint
    UNION ALL
    SELECT w.place + 1, w.members + (
             SELECT count(*)
               FROM (SELECT FROM page p
                       JOIN directory_members m ON m.workspace_id = p.workspace_id AND m.group_id = p.id
                      WHERE p.place = w.place + 1 LIMIT {MOST_MEMBERS + 1}) one)
      FROM walk w WHERE w.members <= {MOST_MEMBERS} AND w.place < (SELECT count(*) FROM page))
  SELECT greatest(1, max(place)) FROM walk WHERE members <= {MOST_MEMBERS})"""
_JOINED = "directory_people d JOIN people p ON p.workspace_id = d.workspace_id AND p.id = d.id"
_THIS = " WHERE d.workspace_id = $1 AND d.id = $3"


def _read(item: str, rows: str) -> str:
    """Who asks and the item, as two texts, each null where there is none."""
    reader = "SELECT c.id::text FROM provisioning_tokens c WHERE c.workspace_id = $1 AND c.digest = $2 AND " + LIVES
    return in_scope("SELECT ARRAY[(" + reader + "), (SELECT " + item + " FROM " + rows + _THIS + ")]")


GET_PERSON = _read(PERSON_ITEM, _JOINED)
GET_GROUP = _read(GROUP_ITEM, "directory_groups d")
GET_GROUP_WITH_MEMBERS = _read(GROUP_ITEM_WITH_MEMBERS, "directory_groups d")

# Locked until the change is over. $2 digest, $3 request id, $4 id. `light`: nothing hangs on the person but the row,
# since whoever never was here has no session, no token and has invited nobody; others go through `people.service`.
LOAD_PERSON = (
    "SELECT "
    + _CALLER_FIELDS
    + """, d.document::text AS document, d.version, p.active, p.role, p.name, p.email,
       p.role = 'agent' AND p.last_seen_at IS NULL AND NOT EXISTS (
         SELECT FROM password_resets r WHERE r.workspace_id = p.workspace_id AND r.id = p.id) AS light
  FROM """
    + _JOINED
    + _CALLER
    + " WHERE d.workspace_id = $1 AND d.id = $4 FOR UPDATE OF d, p"
)
LOAD_GROUP = (
    "SELECT "
    + _CALLER_FIELDS
    + ", d.document::text AS document, d.version, d.role FROM directory_groups d"
    + _CALLER
    + " WHERE d.workspace_id = $1 AND d.id = $4 FOR UPDATE OF d"
)
# Of somebody who may be new: whether the caller may, who has the user name ($4) as an address already, and in which
# domains addresses may be.
LOAD_NEW = (
    "SELECT "
    + _CALLER_FIELDS
    + """, p.id AS person_id, p.active, p.role, p.name, p.email, e.id AS entry_id,
       ARRAY(SELECT domain FROM domains WHERE workspace_id = $1 AND verified_at IS NOT NULL) AS verified
  FROM (SELECT) one"""
    + _CALLER
    + """
  LEFT JOIN people p ON p.workspace_id = $1 AND p.email_norm = $4
  LEFT JOIN directory_people e ON e.workspace_id = $1 AND e.id = p.id"""
)
LOAD_CALLER = "SELECT " + _CALLER_FIELDS + " FROM (SELECT) one" + _CALLER


# $2 the person or group, $3 token, $4 request id, $5 trace, $6 asked, $7 verb, $8 resource, $9 name, $10 result
def _logged(detail: int) -> str:
    """The line in the log, before the change itself; `detail` is the number of the parameter that names it."""
    return f"""WITH line AS (
  INSERT INTO directory_log
    (workspace_id, id, at, subject_id, token_id, request_id, trace, asked, verb, resource, name, result, reason, detail)
  VALUES ($1, gen_random_uuid(), now(), $2, $3, $4, $5, $6, $7, $8, $9, $10, '', ${detail}))"""


NOTE_PERSON = _logged(11) + " SELECT " + PERSON_ITEM + " FROM " + _JOINED + " WHERE d.workspace_id = $1 AND d.id = $2"
NOTE_GROUP = _logged(11) + " SELECT " + GROUP_ITEM + " FROM directory_groups d WHERE d.workspace_id = $1 AND d.id = $2"
NOTE_GONE = _logged(11) + " SELECT NULL::text"
VERSION_OF_PERSON = (
    "SELECT "
    + _VERSION
    + " FROM "
    + _JOINED
    + " CROSS JOIN LATERAL "
    + _shown("p.active")
    + " WHERE d.workspace_id = $1 AND d.id = $2"
)
ITEM_OF_PERSON = "SELECT " + PERSON_ITEM + " FROM " + _JOINED + " WHERE d.workspace_id = $1 AND d.id = $2"
ITEM_OF_GROUP = "SELECT " + GROUP_ITEM + " FROM directory_groups d WHERE d.workspace_id = $1 AND d.id = $2"
_REFUSED = """
INSERT INTO directory_log
  (workspace_id, id, at, subject_id, token_id, request_id, trace, asked, verb, resource, name, result, reason, detail)
SELECT $1::uuid, {id}, now(), $2::uuid, $3::uuid, NULL, $4, $5, $6, $7,
       coalesce(nullif($8, ''), (SELECT name FROM people WHERE workspace_id = $1 AND id = $2),
                (SELECT document->>'display_name' FROM directory_groups WHERE workspace_id = $1 AND id = $2), ''),
       'refused', $9, $10
"""
REFUSED = _REFUSED.format(id="gen_random_uuid()")
# The id says which minute it is: of those that come in one, whichever process tells of them, the first is kept.
_THIS_MINUTE = "md5($9::text || date_trunc('minute', now()))::uuid"
REFUSED_THIS_MINUTE = _REFUSED.format(id=_THIS_MINUTE) + "ON CONFLICT (workspace_id, id) DO NOTHING"

# $11 user name, $12 external id, $13 display name, all as compared; $14 document
_CREATED_PERSON = """, d AS (
  INSERT INTO directory_people
    (workspace_id, id, user_name_norm, external_id, display_name_norm, document, version, created_at, changed_at)
  VALUES ($1, $2, $11, $12, $13, $14::text::jsonb, 1, now(), now())
  RETURNING *)"""
# $15 their addresses
_EMAILS = """, emails AS (
  INSERT INTO directory_emails (workspace_id, person_id, value_norm)
  SELECT $1, $2, given FROM unnest($15::text[]) given
  ON CONFLICT DO NOTHING)"""
# $16 name, $17 e-mail, $18 active
_MEMBER = """, p AS (
  INSERT INTO people (workspace_id, id, email, email_norm, name, role, active, created_at)
  VALUES ($1, $2, $17, $11, $16, 'agent', $18, now())
  RETURNING *)"""


# The end of the audit log, locked, and the keys of token and person: what the log's entry is made with. They are asked
# for where the row is shown, so that the lock, for which a workspace's changes wait in line, is taken last.
def _with_head(item: str, rows: str) -> str:
    return f""", head AS (SELECT seq, hash, publishing FROM audit_heads WHERE workspace_id = $1 FOR UPDATE)
SELECT {item} AS item, (SELECT seq FROM head) AS seq, (SELECT hash FROM head) AS hash,
       (SELECT publishing FROM head) AS publishing, (SELECT array_agg(id) FROM keys) AS ids,
       (SELECT array_agg(wrapped) FROM keys) AS wrapped
  FROM {rows}"""


_OF_D_AND_P = _with_head(PERSON_ITEM, "d JOIN p ON p.id = d.id")
_KEYS = ", keys AS (SELECT id, wrapped FROM subject_keys WHERE workspace_id = $1 AND id IN ($2, $3))"
# $19 the key that seals what the audit log says of them
_NEW_KEY = """, key AS (INSERT INTO subject_keys (workspace_id, id, wrapped) VALUES ($1, $2, $19)),
  keys AS (SELECT id, wrapped FROM subject_keys WHERE workspace_id = $1 AND id = $3 UNION ALL SELECT $2, $19)"""
CREATE_PERSON = _logged(20) + _CREATED_PERSON + _EMAILS + _MEMBER + _NEW_KEY + _OF_D_AND_P
_NOW_MEMBER = """, p AS (
  UPDATE people SET name = $16, email = $17, email_norm = $11, active = $18
   WHERE workspace_id = $1 AND id = $2
  RETURNING *)"""
LINK_PERSON = _logged(19) + _CREATED_PERSON + _EMAILS + _NOW_MEMBER + _KEYS + _OF_D_AND_P
_CHANGED_PERSON = """, d AS (
  UPDATE directory_people
     SET user_name_norm = $11, external_id = $12, display_name_norm = $13, document = $14::text::jsonb,
         version = version + 1, changed_at = now()
   WHERE workspace_id = $1 AND id = $2
  RETURNING *)"""
_GONE_EMAILS = """, gone AS (
  DELETE FROM directory_emails WHERE workspace_id = $1 AND person_id = $2 AND value_norm <> ALL($15::text[]))"""
CHANGE_PERSON = _logged(19) + _CHANGED_PERSON + _GONE_EMAILS + _EMAILS + _NOW_MEMBER + _KEYS + _OF_D_AND_P
# Switched on or off, and nothing else: the row that identity providers send most.
SWITCH_PERSON = (
    _logged(12)
    + """, d AS (
  UPDATE directory_people SET version = version + 1, changed_at = now() WHERE workspace_id = $1 AND id = $2
  RETURNING *), p AS (
  UPDATE people SET active = $11 WHERE workspace_id = $1 AND id = $2
  RETURNING *)"""
    + _KEYS
    + _OF_D_AND_P
)

# $11 display name as compared, $12 external id, $13 document
CREATE_GROUP = (
    _logged(14)
    + """, d AS (
  INSERT INTO directory_groups
    (workspace_id, id, display_name_norm, external_id, document, version, created_at, changed_at)
  VALUES ($1, $2, $11, $12, $13::text::jsonb, 1, now(), now())
  RETURNING *)"""
    + " SELECT "
    + GROUP_ITEM
    + " FROM d"
)
CHANGE_GROUP = (
    _logged(14)
    + """, d AS (
  UPDATE directory_groups
     SET display_name_norm = $11, external_id = $12, document = $13::text::jsonb,
         version = version + 1, changed_at = now()
   WHERE workspace_id = $1 AND id = $2
  RETURNING *)"""
    + _KEYS
    + _with_head(GROUP_ITEM, "d")
)
ERASE_GROUP = "DELETE FROM directory_groups WHERE workspace_id = $1 AND id = $2"

# Members, $2 the group. Somebody who is being erased is waited for, and then is not there.
KNOWN = """
SELECT id FROM directory_people WHERE workspace_id = $1 AND id = ANY($2::uuid[]) ORDER BY id FOR KEY SHARE
"""
COME = """
INSERT INTO directory_members (workspace_id, group_id, member_id)
SELECT $1, $2, given FROM unnest($3::uuid[]) given
ON CONFLICT DO NOTHING
RETURNING member_id
"""
GO = """
DELETE FROM directory_members WHERE workspace_id = $1 AND group_id = $2 AND member_id = ANY($3::uuid[])
RETURNING member_id
"""
ALL_OTHERS_GO = """
DELETE FROM directory_members WHERE workspace_id = $1 AND group_id = $2 AND member_id <> ALL($3::uuid[])
RETURNING member_id
"""
LOCK_GROUPS_OF = """
SELECT FROM directory_groups
 WHERE workspace_id = $1 AND id IN (SELECT group_id FROM directory_members WHERE workspace_id = $1 AND member_id = $2)
 ORDER BY id FOR NO KEY UPDATE
"""
MEMBERS = "SELECT member_id FROM directory_members WHERE workspace_id = $1 AND group_id = $2"

# Which of these people ($2) are to have another role, and which. They are locked by a statement before, so that this
# one sees what a change that it waited for has done; in the order of ids, so that two wait for one another once.
# `holds`: tokens or invitations that may end with the role; `seen`: there may be sessions. An owner's role is nobody's
# to give but an owner's.
LOCK_PEOPLE = "SELECT FROM people WHERE workspace_id = $1 AND id = ANY($2::uuid[]) ORDER BY id FOR NO KEY UPDATE"
ROLES = """
SELECT * FROM (
  SELECT p.id, p.role, p.name, p.email, coalesce(p.last_seen_at > now() - interval '8 days', false) AS seen,
         EXISTS (SELECT FROM api_tokens t
                  WHERE t.workspace_id = p.workspace_id AND t.created_by = p.id AND t.revoked_at IS NULL)
         OR EXISTS (SELECT FROM invitations i
                     WHERE i.workspace_id = p.workspace_id AND i.invited_by = p.id
                       AND i.accepted_at IS NULL AND i.revoked_at IS NULL) AS holds,
         coalesce((
           SELECT g.role FROM directory_members m
             JOIN directory_groups g ON g.workspace_id = m.workspace_id AND g.id = m.group_id
            WHERE m.workspace_id = p.workspace_id AND m.member_id = p.id AND g.role IS NOT NULL
            ORDER BY array_position(ARRAY['admin', 'auditor', 'agent'], g.role::text) LIMIT 1), 'agent') AS wanted
    FROM people p
   WHERE p.workspace_id = $1 AND p.id = ANY($2::uuid[]) AND p.role <> 'owner'
) found WHERE role <> wanted ORDER BY id
"""
GIVE_ROLES = """
UPDATE people SET role = given.role
  FROM unnest($2::uuid[], $3::text[]) AS given (id, role)
 WHERE people.workspace_id = $1 AND people.id = given.id
"""
FORGET_RESET = "DELETE FROM password_resets WHERE workspace_id = $1 AND id = $2"
DOMAINS = "SELECT domain FROM domains WHERE workspace_id = $1 AND verified_at IS NOT NULL"
COUNT_READS = """
INSERT INTO directory_reads (workspace_id, hour, token_id, resource, count, last_at)
SELECT $1, date_trunc('hour', given.at), given.token_id, given.resource, given.count, given.at
  FROM unnest($2::uuid[], $3::text[], $4::bigint[], $5::timestamptz[]) AS given (token_id, resource, count, at)
 ORDER BY given.token_id, given.resource
ON CONFLICT (workspace_id, hour, token_id, resource)
DO UPDATE SET count = directory_reads.count + excluded.count,
              last_at = greatest(directory_reads.last_at, excluded.last_at)
"""
USED = """
UPDATE provisioning_tokens SET last_used_at = greatest(last_used_at, given.at)
  FROM (SELECT id, max(at) AS at FROM unnest($2::uuid[], $3::timestamptz[]) AS one (id, at) GROUP BY id) given
 WHERE provisioning_tokens.workspace_id = $1 AND provisioning_tokens.id = given.id
"""
