"""What B2's keys are in the S3 store beside the stand-in: users of versitygw, and one policy per bucket."""

import hashlib
import json
import subprocess
import xml.etree.ElementTree as ElementTree
from urllib.parse import quote

LIST = ['s3:ListBucket', 's3:ListBucketVersions']
ACTIONS = {
    'readFiles': ['s3:GetObject', 's3:GetObjectVersion'],
    # Without deleteFiles a file can still be hidden by its name.
    'writeFiles': ['s3:PutObject', 's3:DeleteObject', 's3:AbortMultipartUpload', 's3:ListMultipartUploadParts'],
    'deleteFiles': ['s3:DeleteObjectVersion'],
}


class StoreError(Exception):
    pass


class Store:
    """A versitygw that the administrator's key reaches; secrets go to curl on its standard input."""

    def __init__(self, url, ca, region, key, secret):
        self.url, self.ca, self.region, self.key, self.secret = url, ca, region, key, secret
        self.users = set()

    def _call(self, method, path, body=''):
        data = body.encode()
        config = [
            f'user = "{self.key}:{self.secret}"',
            f'aws-sigv4 = "aws:amz:{self.region}:s3"',
            f'header = "x-amz-content-sha256: {hashlib.sha256(data).hexdigest()}"',
            f'cacert = "{self.ca}"',
            f'request = "{method}"',
            f'url = "{self.url}{path}"',
        ]
        if body:
            escaped = body.replace('\\', '\\\\').replace('"', '\\"')
            config.append(f'data-binary = "{escaped}"')
        done = subprocess.run(
            ['curl', '-sS', '--fail-with-body', '--max-time', '20', '-K', '-'],
            input='\n'.join(config), capture_output=True, text=True, check=False,
        )  # fmt: skip
        if done.returncode != 0:
            raise StoreError(f'{method} {path}: {done.stderr.strip()} {done.stdout.strip()}')
        return done.stdout

    def make_bucket(self, name):
        self._call('PUT', f'/{name}')
        versioned = '<VersioningConfiguration><Status>Enabled</Status></VersioningConfiguration>'
        self._call('PUT', f'/{name}?versioning=', versioned)

    def remove_bucket(self, name):
        self._call('DELETE', f'/{name}')

    def versions(self, name):
        answer = ElementTree.fromstring(self._call('GET', f'/{name}?versions='))
        kinds = ('Version', 'DeleteMarker')
        found = [each for each in answer if each.tag.split('}')[-1] in kinds]
        return [{'fileName': next(part.text for part in each if part.tag.endswith('Key'))} for each in found]

    def allow(self, bucket, keys, gone):
        """Makes users and the bucket's policy agree with its keys."""
        if gone is not None and gone.application_key_id in self.users:
            self._call('PATCH', f'/delete-user?access={quote(gone.application_key_id)}')
            self.users.discard(gone.application_key_id)
        for key in keys:
            if key.application_key_id not in self.users:
                account = {
                    'Access': key.application_key_id, 'Secret': key.key, 'Role': 'user',
                    'UserID': 0, 'GroupID': 0, 'ProjectID': 0,
                }  # fmt: skip
                fields = ''.join(f'<{name}>{value}</{name}>' for name, value in account.items())
                self._call('PATCH', '/create-user', f'<Account>{fields}</Account>')
                self.users.add(key.application_key_id)
        if bucket is None:
            return
        statements = [each for key in keys for each in self._statements(bucket, key)]
        if statements:
            policy = json.dumps({'Version': '2012-10-17', 'Statement': statements})
            self._call('PUT', f'/{bucket}?policy=', policy)
        else:
            self._call('DELETE', f'/{bucket}?policy=')

    def _statements(self, bucket, key):
        principal = {'AWS': [key.application_key_id]}
        prefix = key.name_prefix_or_none or ''
        statements = []
        if 'listBuckets' in key.capabilities:
            statements.append({'Action': ['s3:GetBucketLocation'], 'Resource': f'arn:aws:s3:::{bucket}'})
        if 'listFiles' in key.capabilities:
            listing = {'Action': LIST, 'Resource': f'arn:aws:s3:::{bucket}'}
            if prefix:
                listing['Condition'] = {'StringLike': {'s3:prefix': f'{prefix}*'}}
            statements.append(listing)
        actions = [action for name, each in ACTIONS.items() if name in key.capabilities for action in each]
        if actions:
            statements.append({'Action': actions, 'Resource': f'arn:aws:s3:::{bucket}/{prefix}*'})
        return [{'Effect': 'Allow', 'Principal': principal, **each} for each in statements]
