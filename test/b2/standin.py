"""Stand-in of Backblaze B2: b2sdk's simulator, served over HTTP on the loopback as the native API v4.

usage: standin.py SETTINGS
SETTINGS is a JSON file: {"output": FILE, "store"?: {"url", "ca", "region", "key", "secret"}}. Once it listens, it
writes {"url", "accountId", "keyId", "key"} to FILE, for its owner only: the key is one that may make buckets and keys.
GET /control tells what is there; POST /control {"faults": [...]} sets what goes wrong, see Faults;
POST /control {"call": ..., "body": {...}} makes a call with the master key, as somebody with the web console would.
"""

import base64
import inspect
import json
import os
import re
import sys
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

from b2sdk._internal.encryption.setting import EncryptionSettingFactory
from b2sdk._internal.file_lock import BucketRetentionSetting, RetentionMode, RetentionPeriod
from b2sdk._internal.raw_api import ALL_CAPABILITIES
from b2sdk.v3 import exception as ex

from account import Account, Refused
from store import Store, StoreError

CODES = [
    (ex.InvalidAuthToken, 401, None),
    (ex.Unauthorized, 401, 'unauthorized'),
    (ex.DuplicateBucketName, 400, 'duplicate_bucket_name'),
    (ex.NonExistentBucket, 400, 'bad_bucket_id'),
    (ex.Conflict, 409, 'conflict'),
    (StoreError, 500, 'internal_error'),
]

RENAMED = {'fileLockEnabled': 'is_file_lock_enabled', 'validDurationInSeconds': 'valid_duration_seconds'}


def retention(value):
    period = value.get('period')
    length = RetentionPeriod(**{period['unit']: period['duration']}) if period else None
    return BucketRetentionSetting(RetentionMode(value['mode']), length)


def encryption(value):
    wrapped = {'defaultServerSideEncryption': {'isClientAuthorizedToRead': True, 'value': value}}
    return EncryptionSettingFactory.from_bucket_dict(wrapped)


CONVERTED = {'defaultServerSideEncryption': encryption, 'defaultRetention': retention}
CALLS = {
    'create_bucket', 'update_bucket', 'delete_bucket', 'list_buckets', 'create_key', 'delete_key', 'list_keys',
    'list_file_versions', 'list_unfinished_large_files',
}  # fmt: skip


class Faults:
    """What goes wrong next. One fault: {"call", "times", and one of
    "status" with "code", "retryAfter"?   refused, nothing done
    "cut": "before" | "after"              the connection ends, with or without the call carried out
    "expire": true                         the caller's token is expired
    "hold": true                           carried out, no answer until faults are set anew}
    """

    def __init__(self):
        self.list, self.released, self.lock = [], threading.Event(), threading.Lock()

    def set(self, faults):
        with self.lock:
            self.released.set()
            self.list, self.released = [dict(fault) for fault in faults], threading.Event()

    def take(self, call):
        with self.lock:
            for fault in self.list:
                if fault['call'] in (call, '*') and fault.get('times', 1) > 0:
                    fault['times'] = fault.get('times', 1) - 1
                    return fault, self.released
        return {}, self.released


class Handler(BaseHTTPRequestHandler):
    protocol_version = 'HTTP/1.1'
    account: Account
    faults: Faults
    lock: threading.RLock
    calls: list

    def do(self):
        length = int(self.headers.get('Content-Length') or 0)
        body = json.loads(self.rfile.read(length) or '{}')
        if self.path == '/control':
            return self.reply(*self.control(body))
        match = re.fullmatch(r'/b2api/v4/b2_(\w+)', self.path)
        if not match:
            return self.reply(404, {'status': 404, 'code': 'not_found', 'message': self.path})
        name = match[1]
        fault, released = self.faults.take(name)
        self.calls.append(name)
        if fault.get('cut') == 'before':
            return self.cut()
        if fault.get('status'):
            headers = {'Retry-After': fault['retryAfter']} if 'retryAfter' in fault else {}
            answer = {'status': fault['status'], 'code': fault['code'], 'message': 'as told to'}
            return self.reply(fault['status'], answer, headers)
        token = self.headers.get('Authorization', '')
        with self.lock:
            if fault.get('expire'):
                self.account.expired_auth_tokens.add(token)
            status, answer = self.answer(name, token, body)
        if fault.get('hold'):
            released.wait()
            return self.cut()
        if fault.get('cut'):
            return self.cut()
        return self.reply(status, answer)

    do_GET = do_POST = do

    def control(self, body):
        account = self.account
        if 'faults' in body:
            self.faults.set(body['faults'])
            self.calls.clear()
            return 200, {}
        with self.lock:
            if 'call' in body:
                body['body'].setdefault('accountId', account.account_id)
                return self.answer(body['call'], account._token(account._master), body['body'])
            if 'accountKey' in body:
                made = account.account_key([each for each in ALL_CAPABILITIES if each not in body['accountKey']])
                return 200, {'keyId': made['applicationKeyId'], 'key': made['applicationKey']}
            token = account._token(account._master)
            buckets = [bucket.bucket_dict(token) for bucket in account.bucket_id_to_bucket.values()]
            keys = [key.as_key() for key in account.all_application_keys if key.buckets_or_none]
            return 200, {'buckets': buckets, 'keys': keys, 'calls': list(self.calls)}

    def answer(self, name, token, body):
        try:
            return 200, self.carry_out(name, token, body)
        except Refused as error:
            return error.status, {'status': error.status, 'code': error.code, 'message': str(error)}
        except Exception as error:  # every failure is an answer
            status, code = next(((s, c) for kind, s, c in CODES if isinstance(error, kind)), (400, 'bad_request'))
            code = code or getattr(error, 'code', None) or 'unauthorized'
            return status, {'status': status, 'code': code, 'message': f'{type(error).__name__}: {error}'}

    def carry_out(self, name, token, body):
        account = self.account
        if name == 'authorize_account':
            key_id, _, key = base64.b64decode(token.split()[1]).decode().partition(':')
            return account.authorize_account(account.API_URL, key_id, key)
        account.check_token(token)
        if name not in CALLS:
            raise Refused(404, 'not_found', f'this stand-in has no b2_{name}')
        if body.get('accountId', account.account_id) != account.account_id:
            raise Refused(401, 'unauthorized', 'another account')
        args = {}
        for field, value in body.items():
            plain = RENAMED.get(field) or re.sub('[A-Z]', lambda match: '_' + match[0].lower(), field)
            args[plain] = CONVERTED.get(field, lambda same: same)(value)
        method = getattr(account, name)
        known = inspect.signature(method).parameters
        if 'valid_duration_seconds' in args:
            args['duration'] = args.pop('valid_duration_seconds')
        args |= {'api_url': account.API_URL}
        args |= {'token': token} if 'token' in known else {'account_auth_token': token}
        if 'account_id' in known:
            args['account_id'] = account.account_id
        else:
            args.pop('account_id', None)
        open_ended = any(each.kind is each.VAR_KEYWORD for each in known.values())
        unknown = set(args) - set(known)
        if unknown and not open_ended:
            raise ex.BadJson(f'unknown fields: {", ".join(sorted(unknown))}')
        missing = {each: None for each, of in known.items() if of.default is of.empty and of.kind is of.POSITIONAL_OR_KEYWORD}
        return method(**{**missing, **args})

    def reply(self, status, answer, headers=None):
        data = json.dumps(answer, default=list).encode()
        self.send_response(status)
        self.send_header('Content-Type', 'application/json')
        self.send_header('Content-Length', str(len(data)))
        for name, value in (headers or {}).items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(data)

    def cut(self):
        self.close_connection = True
        self.connection.close()

    def log_message(self, *_):
        pass


def main():
    with open(sys.argv[1]) as file:
        settings = json.load(file)
    store = Store(**settings['store']) if settings.get('store') else None
    server = ThreadingHTTPServer(('127.0.0.1', 0), Handler)
    server.daemon_threads = True
    url = f'http://127.0.0.1:{server.server_port}'
    Handler.account = Account(url, settings['store']['url'] if store else url, store)
    Handler.faults, Handler.lock, Handler.calls = Faults(), threading.RLock(), []
    made = Handler.account.account_key(ALL_CAPABILITIES)
    access = {'url': url, 'accountId': made['accountId'], 'keyId': made['applicationKeyId'], 'key': made['applicationKey']}
    part = settings['output'] + '.part'
    with os.fdopen(os.open(part, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), 'w') as file:
        json.dump(access, file)
    os.rename(part, settings['output'])
    server.serve_forever()


if __name__ == '__main__':
    main()
