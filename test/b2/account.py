"""b2sdk's simulator with what it lets through refused, as B2 refuses it."""

import secrets
import time

from b2sdk._internal.file_lock import NO_RETENTION_BUCKET_SETTING
from b2sdk._internal.raw_api import ALL_CAPABILITIES
from b2sdk.v3 import RawSimulator
from b2sdk.v3 import exception as ex

# What a key that is limited to buckets may have.
BUCKET_CAPABILITIES = {
    'listAllBucketNames', 'listBuckets', 'readBuckets', 'readBucketEncryption', 'writeBucketEncryption',
    'readBucketRetentions', 'writeBucketRetentions', 'listFiles', 'readFiles', 'shareFiles', 'writeFiles',
    'deleteFiles', 'readFileLegalHolds', 'writeFileLegalHolds', 'readFileRetentions', 'writeFileRetentions',
    'bypassGovernance',
}  # fmt: skip


class Refused(Exception):
    """An answer of B2 that the simulator has no exception for."""

    def __init__(self, status, code, message):
        super().__init__(message)
        self.status, self.code = status, code


class Account(RawSimulator):
    """One account. `store` is the S3 store beside it, or None."""

    def __init__(self, url, s3_url, store):
        super().__init__()
        self.API_URL = self.DOWNLOAD_URL = url
        self.S3_API_URL = s3_url
        self.store = store
        self.account_id, master = self.create_account()
        self._master = self.key_id_to_key[self.account_id]
        self._master.key = secrets.token_urlsafe(23)

    def account_key(self, capabilities, name='account'):
        """Makes a key that is not limited to a bucket, as an operator would."""
        token = self._token(self._master)
        return self.create_key(self.API_URL, token, self.account_id, capabilities, name, None, None, None)

    def _token(self, key):
        token = secrets.token_urlsafe(32)
        self.auth_token_to_key[token] = key
        return token

    def authorize_account(self, realm_url, application_key_id, application_key):
        key = self.key_id_to_key.get(application_key_id)
        expires = key and key.expiration_timestamp_or_none
        if expires is not None and expires <= time.time():
            raise ex.InvalidAuthToken('application key expired', 'unauthorized')
        answer = super().authorize_account(realm_url, application_key_id, application_key)
        # Not one that can be guessed, so that a token in a log is found as one.
        self.auth_token_to_key.pop(answer['authorizationToken'])
        answer['authorizationToken'] = self._token(key)
        return answer

    def check_token(self, token):
        """@raise InvalidAuthToken for one that is unknown, expired, or of a key that is gone or expired"""
        key = self.auth_token_to_key.get(token)
        if key is None or self.key_id_to_key.get(key.application_key_id) is not key:
            raise ex.InvalidAuthToken('invalid auth token', 'bad_auth_token')
        if key.expiration_timestamp_or_none is not None and key.expiration_timestamp_or_none <= time.time():
            raise ex.InvalidAuthToken('application key expired', 'bad_auth_token')
        if token in self.expired_auth_tokens:
            raise ex.InvalidAuthToken('auth token expired', 'expired_auth_token')
        self.current_token = token

    def _need(self, token, capability):
        if capability not in self.auth_token_to_key[token].capabilities:
            raise ex.Unauthorized(f'missing capability {capability}', 'unauthorized')

    def create_bucket(self, api_url, token, account_id, bucket_name, bucket_type, **more):
        if not 6 <= len(bucket_name) <= 63 or bucket_name.startswith('b2-'):
            raise ex.BadJson(f'illegal bucket name: {bucket_name}')
        if bucket_type not in ('allPrivate', 'allPublic'):
            raise ex.BadJson(f'illegal bucket type: {bucket_type}')
        self._check_rules(more.get('lifecycle_rules'))
        if more.get('default_server_side_encryption') is not None:
            self._need(token, 'writeBucketEncryption')
        if more.get('is_file_lock_enabled'):
            self._need(token, 'writeBucketRetentions')
        answer = super().create_bucket(api_url, token, account_id, bucket_name, bucket_type, **more)
        if self.store:
            self.store.make_bucket(bucket_name)
        return answer

    def update_bucket(self, api_url, token, account_id, bucket_id, **more):
        bucket = self._get_bucket_by_id(bucket_id)
        self._check_rules(more.get('lifecycle_rules'))
        if more.get('default_server_side_encryption') is not None:
            self._need(token, 'writeBucketEncryption')
        retention = more.get('default_retention')
        if retention is not None or more.get('is_file_lock_enabled') is not None:
            self._need(token, 'writeBucketRetentions')
        locked = more.get('is_file_lock_enabled') or bucket.is_file_lock_enabled
        if retention is not None and retention != NO_RETENTION_BUCKET_SETTING and not locked:
            raise ex.BadJson('default retention needs a bucket with object lock')
        return super().update_bucket(api_url, token, account_id, bucket_id, **more)

    @staticmethod
    def _check_rules(rules):
        for rule in rules or []:
            if not (rule.get('daysFromHidingToDeleting') or rule.get('daysFromUploadingToHiding')):
                raise ex.BadJson('a lifecycle rule has neither days to hiding nor days to deleting')

    def delete_bucket(self, api_url, token, account_id, bucket_id):
        self._assert_account_auth(api_url, token, account_id, 'deleteBuckets')
        bucket = self._get_bucket_by_id(bucket_id)
        if self.versions(bucket):
            raise Refused(400, 'cannot_delete_non_empty_bucket', 'the bucket is not empty')
        if self.store:
            self.store.remove_bucket(bucket.bucket_name)
        return super().delete_bucket(api_url, token, account_id, bucket_id)

    def versions(self, bucket):
        """Names of all versions: the simulator's own and those in the store beside it."""
        own = [{'fileName': file.name} for file in bucket.file_id_to_file.values()]
        return own + (self.store.versions(bucket.bucket_name) if self.store else [])

    def list_file_versions(self, api_url, token, bucket_id, max_file_count=100, **_):
        bucket = self._get_bucket_by_id(bucket_id)
        self._assert_account_auth(api_url, token, bucket.account_id, 'listFiles', bucket_id=bucket_id)
        return {'files': self.versions(bucket)[:max_file_count], 'nextFileName': None, 'nextFileId': None}

    def create_key(self, api_url, token, account_id, capabilities, key_name, duration, bucket_ids, name_prefix):
        unknown = set(capabilities) - set(ALL_CAPABILITIES)
        if unknown or not capabilities:
            raise ex.BadJson(f'no such capability: {", ".join(sorted(unknown)) or "none given"}')
        if bucket_ids is not None and set(capabilities) - BUCKET_CAPABILITIES:
            raise ex.BadJson('a key limited to buckets cannot have all of these capabilities')
        if name_prefix is not None and bucket_ids is None:
            raise ex.BadJson('namePrefix needs bucketIds')
        for bucket_id in bucket_ids or []:
            self._get_bucket_by_id(bucket_id)
        made = super().create_key(
            api_url, token, account_id, capabilities, key_name, duration, bucket_ids, name_prefix
        )
        # Ids and secrets as long as B2's, and as impossible to guess.
        key = self.key_id_to_key.pop(made['applicationKeyId'])
        key.application_key_id = '004' + secrets.token_hex(11)
        key.key = 'K004' + secrets.token_urlsafe(20)
        self.key_id_to_key[key.application_key_id] = key
        self._mirror(key.buckets_or_none)
        return key.as_created_key()

    def delete_key(self, api_url, token, application_key_id):
        # A key that is limited to a bucket cannot have deleteKeys, so it cannot delete itself either.
        self._assert_account_auth(api_url, token, self.account_id, 'deleteKeys')
        key = self.key_id_to_key.get(application_key_id)
        answer = super().delete_key(api_url, token, application_key_id)
        self._mirror(key.buckets_or_none, gone=key)
        return answer

    def list_keys(self, api_url, token, account_id, max_key_count=100, start_application_key_id=None):
        answer = super().list_keys(api_url, token, account_id, max_key_count, start_application_key_id)
        # Version 4 lists the keys that have bucketIds only.
        return {**answer, 'keys': [key for key in answer['keys'] if key['bucketIds']]}

    def _mirror(self, buckets, gone=None):
        if not self.store or not buckets:
            return
        for bucket in buckets:
            keys = [
                key
                for key in self.all_application_keys
                if key.buckets_or_none and bucket['id'] in [each['id'] for each in key.buckets_or_none]
            ]
            there = self.bucket_id_to_bucket.get(bucket['id'])
            self.store.allow(there.bucket_name if there else None, keys, gone)
