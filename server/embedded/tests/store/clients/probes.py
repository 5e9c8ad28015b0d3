"""Kinds of S3 behaviour, one probe each, tried by boto3 and where that is too polite, by hand.

    probes.py ENDPOINT BUCKET

The store's region is us-east-1 and its credentials are in the environment. What is expected is what AWS's documentation
says, or what AWS was seen to answer. A probe that is known to differ is in DIFFERS with the reason; it fails the run when
it agrees, too.
"""

import base64
import datetime
import hashlib
import hmac
import http.client
import json
import os
import re
import socket
import sys
import threading
import time
import urllib.parse
import urllib.request
import zlib

import boto3
from botocore.auth import SigV4Auth, S3SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.client import Config
from botocore.exceptions import ClientError

ENDPOINT, BUCKET = sys.argv[1:3]
HOST = urllib.parse.urlsplit(ENDPOINT).netloc
REGION = "us-east-1"
ACCESS = os.environ["AWS_ACCESS_KEY_ID"]
SECRET = os.environ["AWS_SECRET_ACCESS_KEY"]
MIB = 1 << 20

# Probe: why it differs.
DIFFERS = {
    "copy: a copy of parts is one body, with an ETag of its own": "copies are records; the ETag is the source's",
    "sse: a bucket says how it encrypts": "nothing is encrypted, so no default is claimed",
}

PROBES = []


def probe(name):
    def add(run):
        assert name not in [known for known, _ in PROBES], name
        PROBES.append((name, run))
        return run

    return add


def client(**changes):
    config = {"s3": {"addressing_style": "path"}, "retries": {"max_attempts": 1}, **changes.pop("config", {})}
    return boto3.client("s3", endpoint_url=ENDPOINT, region_name=changes.pop("region", REGION),
                        config=Config(**config), **changes)


s3 = client()
v4 = client(config={"signature_version": "s3v4"})
bytes_of = lambda n, seed=1: hashlib.shake_128(bytes([seed])).digest(n)
counter = iter(range(10**9))
fresh = lambda name="k": f"probe-{next(counter)}/{name}"


def put(key, body=b"hello", **more):
    return s3.put_object(Bucket=BUCKET, Key=key, Body=body, **more)


def get(key, **more):
    return s3.get_object(Bucket=BUCKET, Key=key, **more)["Body"].read()


def head(key, **more):
    return s3.head_object(Bucket=BUCKET, Key=key, **more)


def equal(found, expected):
    assert found == expected, f"{found!r} instead of {expected!r}"


def refused(run, *codes, status=None):
    """The error of a call that has to fail, by one of these codes."""
    try:
        run()
    except ClientError as error:
        found = error.response["Error"]["Code"], error.response["ResponseMetadata"]["HTTPStatusCode"]
        assert found[0] in codes and status in (None, found[1]), f"{found} instead of {codes}, {status}"
        return error.response
    raise AssertionError(f"it was taken, and not refused with {codes}")


def signed(method, path, body=b"", headers=(), sha256=None, region=REGION):
    """An answer to a request that is signed by hand: status, headers, body."""
    request = AWSRequest(method, ENDPOINT + path, data=body, headers=dict(headers))
    request.context["payload_signing_enabled"] = True
    if sha256:
        request.headers["X-Amz-Content-SHA256"] = sha256
    auth = S3SigV4Auth(s3._request_signer._credentials, "s3", region)
    if sha256:
        auth._should_sha256_sign_payload = lambda _: True
        auth.payload = lambda _: sha256
    auth.add_auth(request)
    return send(method, path, body, dict(request.prepare().headers))


def send(method, path, body=b"", headers=()):
    connection = http.client.HTTPConnection(HOST, timeout=30)
    connection.request(method, path, body, dict(headers))
    answer = connection.getresponse()
    read = answer.read()
    connection.close()
    return answer.status, {name.lower(): value for name, value in answer.getheaders()}, read


def fetch(url, method="GET", body=None, headers=()):
    parts = urllib.parse.urlsplit(url)
    return send(method, f"{parts.path}?{parts.query}", body, headers)


def code(answer):
    found = re.search(rb"<Code>(.*?)</Code>", answer[2])
    return answer[0], found and found[1].decode()


def form(fields, body=b"hello", name="photo.png"):
    edge = "edge" + hashlib.sha256(body).hexdigest()[:8]
    parts = [f'--{edge}\r\nContent-Disposition: form-data; name="{field}"\r\n\r\n{value}\r\n'
             for field, value in fields.items()]
    parts.append(f'--{edge}\r\nContent-Disposition: form-data; name="file"; filename="{name}"\r\n\r\n')
    whole = "".join(parts).encode() + body + f"\r\n--{edge}--\r\n".encode()
    return send("POST", f"/{BUCKET}", whole, {"Content-Type": f"multipart/form-data; boundary={edge}"})


def upload(key, bodies, **create):
    """A multipart upload that is not completed: its id, and what completes it."""
    upload_id = s3.create_multipart_upload(Bucket=BUCKET, Key=key, **create)["UploadId"]
    parts = []
    for number, body in enumerate(bodies, 1):
        algorithm = {name: create[name] for name in create if name == "ChecksumAlgorithm"}
        sent = s3.upload_part(Bucket=BUCKET, Key=key, UploadId=upload_id, PartNumber=number, Body=body, **algorithm)
        parts.append({"PartNumber": number, "ETag": sent["ETag"],
                      **{name: sent[name] for name in sent if name.startswith("Checksum") and name != "ChecksumType"}})
    return upload_id, {"Parts": parts}


def complete(key, upload_id, parts, **more):
    return s3.complete_multipart_upload(Bucket=BUCKET, Key=key, UploadId=upload_id, MultipartUpload=parts, **more)


def keys(**query):
    pages = s3.get_paginator("list_objects_v2").paginate(Bucket=BUCKET, **query)
    return [entry["Key"] for page in pages for entry in page.get("Contents", [])]


# Buckets

@probe("buckets: created, found, listed, deleted")
def _():
    s3.create_bucket(Bucket="probe-bucket")
    s3.head_bucket(Bucket="probe-bucket")
    assert "probe-bucket" in [bucket["Name"] for bucket in s3.list_buckets()["Buckets"]]
    s3.delete_bucket(Bucket="probe-bucket")
    refused(lambda: s3.head_bucket(Bucket="probe-bucket"), "404")


@probe("buckets: the location of the first region is empty")
def _():
    equal(s3.get_bucket_location(Bucket=BUCKET)["LocationConstraint"], None)


@probe("buckets: HEAD tells the region")
def _():
    equal(s3.head_bucket(Bucket=BUCKET)["ResponseMetadata"]["HTTPHeaders"]["x-amz-bucket-region"], REGION)


@probe("buckets: what is not empty is not deleted")
def _():
    put(fresh())
    answer = refused(lambda: s3.delete_bucket(Bucket=BUCKET), "BucketNotEmpty", status=409)
    equal(answer["Error"]["BucketName"], BUCKET)


@probe("buckets: one that is not there is named in the error")
def _():
    answer = refused(lambda: s3.list_objects_v2(Bucket="never-made"), "NoSuchBucket", status=404)
    equal(answer["Error"]["BucketName"], "never-made")


@probe("buckets: names have rules")
def _():
    equal(code(signed("PUT", "/Not_A_Name")), (400, "InvalidBucketName"))


@probe("buckets: another region's location is refused")
def _():
    where = {"LocationConstraint": "eu-west-1"}
    refused(lambda: s3.create_bucket(Bucket="elsewhere", CreateBucketConfiguration=where),
            "IllegalLocationConstraintException", status=400)


# What a bucket can be asked where nothing is set

UNSET = {
    "get_bucket_policy": "NoSuchBucketPolicy",
    "get_bucket_policy_status": "NoSuchBucketPolicy",
    "get_bucket_lifecycle_configuration": "NoSuchLifecycleConfiguration",
    "get_bucket_tagging": "NoSuchTagSet",
    "get_bucket_website": "NoSuchWebsiteConfiguration",
    "get_bucket_replication": "ReplicationConfigurationNotFoundError",
    "get_object_lock_configuration": "ObjectLockConfigurationNotFoundError",
    "get_public_access_block": "NoSuchPublicAccessBlockConfiguration",
}
for call, expected in UNSET.items():
    probe(f"unset: {call} is {expected}")(
        lambda call=call, expected=expected: refused(lambda: getattr(s3, call)(Bucket=BUCKET), expected, status=404))

for call, field in [("get_bucket_versioning", "Status"), ("get_bucket_logging", "LoggingEnabled"),
                    ("get_bucket_accelerate_configuration", "Status"),
                    ("get_bucket_notification_configuration", "QueueConfigurations")]:
    @probe(f"unset: {call} is empty")
    def _(call=call, field=field):
        assert field not in getattr(s3, call)(Bucket=BUCKET)


@probe("unset: the owner pays")
def _():
    equal(s3.get_bucket_request_payment(Bucket=BUCKET)["Payer"], "BucketOwner")


@probe("sse: a bucket says how it encrypts")
def _():
    rules = s3.get_bucket_encryption(Bucket=BUCKET)["ServerSideEncryptionConfiguration"]["Rules"]
    equal(rules[0]["ApplyServerSideEncryptionByDefault"]["SSEAlgorithm"], "AES256")


@probe("lifecycle: rules are kept, told and deleted")
def _():
    rules = [{"ID": "a", "Status": "Enabled", "Filter": {"Prefix": "x/"},
              "AbortIncompleteMultipartUpload": {"DaysAfterInitiation": 3}},
             {"ID": "b", "Status": "Disabled", "Filter": {"Prefix": ""}, "Expiration": {"Days": 30}}]
    s3.put_bucket_lifecycle_configuration(Bucket=BUCKET, LifecycleConfiguration={"Rules": rules})
    equal(s3.get_bucket_lifecycle_configuration(Bucket=BUCKET)["Rules"], rules)
    s3.delete_bucket_lifecycle(Bucket=BUCKET)
    refused(lambda: s3.get_bucket_lifecycle_configuration(Bucket=BUCKET), "NoSuchLifecycleConfiguration")


@probe("cors: the rule in force is told")
def _():
    rule = s3.get_bucket_cors(Bucket=BUCKET)["CORSRules"][0]
    assert "PUT" in rule["AllowedMethods"] and "etag" in [name.lower() for name in rule["ExposeHeaders"]], rule


@probe("cors: a preflight is answered, and errors can be read")
def _():
    asked = {"Origin": "https://page.example", "Access-Control-Request-Method": "PUT",
             "Access-Control-Request-Headers": "content-type,x-amz-checksum-crc64nvme"}
    status, headers, _ = send("OPTIONS", f"/{BUCKET}/k", headers=asked)
    assert status == 200 and "x-amz-checksum-crc64nvme" in headers["access-control-allow-headers"], headers
    status, headers, _ = send("GET", f"/{BUCKET}/k", headers={"Origin": "https://page.example"})
    assert status == 403 and headers["access-control-allow-origin"] in ("*", "https://page.example"), headers


# Access control lists

@probe("acl: the bucket's is its owner's")
def _():
    acl = s3.get_bucket_acl(Bucket=BUCKET)
    equal([grant["Permission"] for grant in acl["Grants"]], ["FULL_CONTROL"])
    equal(acl["Grants"][0]["Grantee"]["ID"], acl["Owner"]["ID"])


@probe("acl: an object's is its owner's")
def _():
    key = fresh()
    put(key)
    equal([grant["Permission"] for grant in s3.get_object_acl(Bucket=BUCKET, Key=key)["Grants"]], ["FULL_CONTROL"])


@probe("acl: bucket-owner-full-control is taken")
def _():
    put(fresh(), ACL="bucket-owner-full-control")


@probe("acl: public-read is refused as where ACLs are disabled")
def _():
    for run in [lambda: put(fresh(), ACL="public-read"),
                lambda: put(fresh(), GrantRead="uri=http://acs.amazonaws.com/groups/global/AllUsers"),
                lambda: s3.create_multipart_upload(Bucket=BUCKET, Key=fresh(), ACL="public-read"),
                lambda: s3.put_bucket_acl(Bucket=BUCKET, ACL="public-read")]:
        refused(run, "AccessControlListNotSupported", status=400)


@probe("acl: the owner of objects is the bucket's")
def _():
    controls = s3.get_bucket_ownership_controls(Bucket=BUCKET)["OwnershipControls"]["Rules"]
    equal(controls, [{"ObjectOwnership": "BucketOwnerEnforced"}])


# Objects

@probe("objects: headers and metadata come back")
def _():
    key = fresh("ü & +?#%.txt")
    said = {"ContentType": "text/plain", "ContentDisposition": "attachment", "CacheControl": "no-store",
            "ContentLanguage": "de", "ContentEncoding": "x-own", "Metadata": {"a": "1", "b": "zwei"}}
    put(key, b"bytes", **said)
    found = head(key)
    equal({name: found[name] for name in said}, said)
    equal(get(key), b"bytes")


@probe("objects: without a type they are binary/octet-stream")
def _():
    key = fresh()
    equal(signed("PUT", f"/{BUCKET}/{key}", b"x")[0], 200)
    equal(head(key)["ContentType"], "binary/octet-stream")


@probe("objects: an ETag is the MD5 in quotes")
def _():
    equal(put(fresh(), b"hello")["ETag"], '"5d41402abc4b2a76b9719d911017c592"')


@probe("objects: none of no bytes")
def _():
    key = fresh()
    put(key, b"")
    equal((get(key), head(key)["ContentLength"]), (b"", 0))


@probe("objects: one that is not there is named in the error")
def _():
    answer = refused(lambda: get("no/such key"), "NoSuchKey", status=404)
    equal(answer["Error"]["Key"], "no/such key")
    error = signed("GET", f"/{BUCKET}/none")
    ids = [re.search(f"<{name}>(.+?)</{name}>".encode(), error[2]) for name in ("RequestId", "HostId")]
    assert all(ids), error[2]
    equal(ids[0][1].decode(), error[1]["x-amz-request-id"])
    equal(ids[1][1].decode(), error[1]["x-amz-id-2"])


@probe("objects: HEAD of none is 404 without a body")
def _():
    refused(lambda: head("none"), "404", status=404)


@probe("objects: keys like paths stay apart")
def _():
    base = fresh("")
    names = ["a", "a/", "a/b", "a//b", "../a", "./a", "a/../b", "a" * 900, "ü", "\U0001f600", "a+b", "a b", "a%20b"]
    for name in names:
        put(base + name, name.encode())
    equal(sorted(keys(Prefix=base)), sorted(base + name for name in names))
    for name in names:
        equal(get(base + name), name.encode())


@probe("objects: a key of 1,025 bytes is too long")
def _():
    refused(lambda: put("k" * 1025), "KeyTooLongError", status=400)


@probe("objects: deleting is the same for what is not there")
def _():
    equal(s3.delete_object(Bucket=BUCKET, Key="never")["ResponseMetadata"]["HTTPStatusCode"], 204)


@probe("objects: many are deleted at once, quietly if asked")
def _():
    base = fresh("")
    for name in "abc":
        put(base + name)
    wanted = [{"Key": base + name} for name in "abcd"]
    equal(len(s3.delete_objects(Bucket=BUCKET, Delete={"Objects": wanted[:2]})["Deleted"]), 2)
    assert "Deleted" not in s3.delete_objects(Bucket=BUCKET, Delete={"Objects": wanted, "Quiet": True})
    equal(keys(Prefix=base), [])


@probe("objects: 1,001 deletions are MalformedXML")
def _():
    many = {"Objects": [{"Key": f"k{n}"} for n in range(1001)]}
    refused(lambda: s3.delete_objects(Bucket=BUCKET, Delete=many), "MalformedXML", status=400)


@probe("objects: deletions with a wrong checksum delete nothing")
def _():
    key = fresh()
    put(key)
    xml = f"<Delete><Object><Key>{key}</Key></Object></Delete>".encode()
    wrong = base64.b64encode(hashlib.md5(b"other").digest()).decode()
    equal(code(signed("POST", f"/{BUCKET}?delete", xml, {"Content-MD5": wrong})), (400, "BadDigest"))
    equal(get(key), b"hello")


@probe("objects: XML of more than 4 MiB is refused by 400")
def _():
    xml = b"<Delete>" + b" " * (4 * MIB) + b"</Delete>"
    equal(signed("POST", f"/{BUCKET}?delete", xml)[0], 400)


@probe("objects: XML that is none is MalformedXML")
def _():
    equal(code(signed("POST", f"/{BUCKET}?delete", b"<Delete><Obj")), (400, "MalformedXML"))


@probe("objects: 2 KB of metadata, and no more")
def _():
    put(fresh(), Metadata={"a": "x" * 2047})
    refused(lambda: put(fresh(), Metadata={"a": "x" * 2048}), "MetadataTooLarge", status=400)


@probe("objects: a storage class is kept, and an unknown one refused")
def _():
    key = fresh()
    put(key, StorageClass="STANDARD_IA")
    equal(head(key)["StorageClass"], "STANDARD_IA")
    put(key, StorageClass="STANDARD")
    assert "StorageClass" not in head(key)
    equal(code(signed("PUT", f"/{BUCKET}/{key}", b"x", {"x-amz-storage-class": "BRICK"})),
          (400, "InvalidStorageClass"))


@probe("objects: attributes")
def _():
    key = fresh()
    put(key, b"hello")
    names = ["ETag", "Checksum", "ObjectSize", "StorageClass", "ObjectParts"]
    found = s3.get_object_attributes(Bucket=BUCKET, Key=key, ObjectAttributes=names)
    equal((found["ETag"].strip('"'), found["ObjectSize"], found["StorageClass"]),
          (hashlib.md5(b"hello").hexdigest(), 5, "STANDARD"))
    assert "ChecksumCRC64NVME" in found["Checksum"] and "ObjectParts" not in found, found


# Ranges and conditions

@probe("ranges: first, last, middle, beyond the end")
def _():
    key = fresh()
    put(key, b"0123456789")
    for asked, expected in [("0-0", b"0"), ("2-5", b"2345"), ("7-", b"789"), ("-2", b"89"), ("5-99", b"56789")]:
        found = s3.get_object(Bucket=BUCKET, Key=key, Range=f"bytes={asked}")
        equal((found["Body"].read(), found["ResponseMetadata"]["HTTPStatusCode"]), (expected, 206))


@probe("ranges: outside is 416")
def _():
    key = fresh()
    put(key, b"0123456789")
    refused(lambda: get(key, Range="bytes=10-"), "InvalidRange", status=416)


@probe("ranges: several at once get the whole")
def _():
    key = fresh()
    put(key, b"0123456789")
    for asked in ["bytes=0-1,4-5", "bytes=5-2", "lines=0-1"]:
        found = s3.get_object(Bucket=BUCKET, Key=key, Range=asked)
        equal((found["Body"].read(), found["ResponseMetadata"]["HTTPStatusCode"]), (b"0123456789", 200))
    url = v4.generate_presigned_url("get_object", {"Bucket": BUCKET, "Key": key})
    equal(fetch(url, headers={"Range": "bytes=0-1,4-5"})[::2], (200, b"0123456789"))
    equal(fetch(url.replace(key, fresh()), headers={"Range": "bytes=0-1,4-5"})[0], 403)
    equal(send("GET", f"/{BUCKET}/{key}", headers={"Range": "bytes=0-1,4-5"})[0], 403)


@probe("ranges: HEAD of one is 206")
def _():
    key = fresh()
    put(key, b"0123456789")
    found = head(key, Range="bytes=2-5")
    equal((found["ResponseMetadata"]["HTTPStatusCode"], found["ContentLength"], found["ContentRange"]),
          (206, 4, "bytes 2-5/10"))


@probe("conditions: of reads")
def _():
    key = fresh()
    etag = put(key)["ETag"]
    past = datetime.datetime.now(datetime.timezone.utc) - datetime.timedelta(hours=1)
    equal(get(key, IfMatch=etag), b"hello")
    refused(lambda: get(key, IfMatch='"other"'), "PreconditionFailed", status=412)
    refused(lambda: get(key, IfNoneMatch=etag), "304", status=304)
    refused(lambda: get(key, IfUnmodifiedSince=past), "PreconditionFailed", status=412)
    equal(get(key, IfModifiedSince=past), b"hello")


@probe("conditions: of writes")
def _():
    key = fresh()
    etag = put(key, IfNoneMatch="*")["ETag"]
    refused(lambda: put(key, IfNoneMatch="*"), "PreconditionFailed", status=412)
    refused(lambda: put(key, IfMatch='"other"'), "PreconditionFailed", status=412)
    put(key, b"new", IfMatch=etag)
    refused(lambda: put(fresh(), IfMatch=etag), "NoSuchKey", status=404)


@probe("conditions: of two completions for an empty place one wins")
def _():
    key = fresh()
    uploads = [upload(key, [bytes([n])]) for n in range(4)]
    won = []

    def run(upload_id, parts):
        try:
            complete(key, upload_id, parts, IfNoneMatch="*")
            won.append(upload_id)
        except ClientError as error:
            assert error.response["Error"]["Code"] in ("PreconditionFailed", "ConditionalRequestConflict"), error

    threads = [threading.Thread(target=run, args=one) for one in uploads]
    [thread.start() for thread in threads]
    [thread.join() for thread in threads]
    equal(len(won), 1)


# Tags

@probe("tags: of a PUT, put anew, and deleted")
def _():
    key = fresh()
    put(key, Tagging="a=1&b=%C3%BC")
    tags = lambda: s3.get_object_tagging(Bucket=BUCKET, Key=key)["TagSet"]
    equal(tags(), [{"Key": "a", "Value": "1"}, {"Key": "b", "Value": "ü"}])
    equal(head(key)["TagCount"], 2)
    s3.put_object_tagging(Bucket=BUCKET, Key=key, Tagging={"TagSet": [{"Key": "c", "Value": "3"}]})
    equal(tags(), [{"Key": "c", "Value": "3"}])
    s3.delete_object_tagging(Bucket=BUCKET, Key=key)
    equal(tags(), [])


@probe("tags: more than ten are refused")
def _():
    key, eleven = fresh(), [{"Key": f"k{n}", "Value": "v"} for n in range(11)]
    put(key)
    refused(lambda: s3.put_object_tagging(Bucket=BUCKET, Key=key, Tagging={"TagSet": eleven}), "BadRequest", status=400)
    refused(lambda: put(key, Tagging="&".join(f"k{n}=v" for n in range(11))), "BadRequest", status=400)


@probe("tags: names are of some characters, and not twice")
def _():
    key = fresh()
    put(key)
    for tags in [[{"Key": "a<", "Value": ""}], [{"Key": "k" * 129, "Value": ""}], [{"Key": "k", "Value": "v" * 257}],
                 [{"Key": "a", "Value": "1"}, {"Key": "a", "Value": "2"}]]:
        refused(lambda: s3.put_object_tagging(Bucket=BUCKET, Key=key, Tagging={"TagSet": tags}), "InvalidTag", status=400)


# Encryption

@probe("sse: AES256 is told back")
def _():
    key = fresh()
    equal(put(key, ServerSideEncryption="AES256")["ServerSideEncryption"], "AES256")
    equal(head(key)["ServerSideEncryption"], "AES256")
    upload_id, parts = upload(key, [b"x"], ServerSideEncryption="AES256")
    equal(complete(key, upload_id, parts)["ServerSideEncryption"], "AES256")


@probe("sse: keys of their own are refused, not ignored")
def _():
    refused(lambda: put(fresh(), ServerSideEncryption="aws:kms"), "NotImplemented", status=501)
    tls = {"SSECustomerAlgorithm": "AES256", "SSECustomerKey": "k" * 32}
    refused(lambda: put(fresh(), **tls), "NotImplemented", "InvalidRequest")


@probe("sse: an unknown method is refused")
def _():
    refused(lambda: put(fresh(), ServerSideEncryption="ROT13"), "InvalidEncryptionAlgorithmError", "InvalidArgument",
            status=400)


# Checksums

@probe("checksums: every object has a CRC64NVME")
def _():
    key = fresh()
    request = signed("PUT", f"/{BUCKET}/{key}", b"123456789")
    equal((request[0], request[1]["x-amz-checksum-crc64nvme"]), (200, "rosUhgp5mIg="))
    found = head(key, ChecksumMode="ENABLED")
    equal((found["ChecksumCRC64NVME"], found["ChecksumType"]), ("rosUhgp5mIg=", "FULL_OBJECT"))


for name, value in [("CRC32", base64.b64encode(zlib.crc32(b"hello").to_bytes(4, "big"))),
                    ("SHA1", base64.b64encode(hashlib.sha1(b"hello").digest())),
                    ("SHA256", base64.b64encode(hashlib.sha256(b"hello").digest()))]:
    @probe(f"checksums: {name} is verified, kept and told")
    def _(name=name, value=value.decode()):
        key, field = fresh(), f"Checksum{name}"
        put(key, **{field: value})
        equal(head(key, ChecksumMode="ENABLED")[field], value)
        refused(lambda: put(key, b"jello", **{field: value}), "BadDigest", status=400)


@probe("checksums: Content-MD5 is verified")
def _():
    md5 = lambda body: base64.b64encode(hashlib.md5(body).digest()).decode()
    put(fresh(), ContentMD5=md5(b"hello"))
    refused(lambda: put(fresh(), ContentMD5=md5(b"jello")), "BadDigest", status=400)
    refused(lambda: put(fresh(), ContentMD5="short"), "InvalidDigest", status=400)


@probe("checksums: a wrong x-amz-content-sha256 has a code of its own")
def _():
    wrong = hashlib.sha256(b"other").hexdigest()
    equal(code(signed("PUT", f"/{BUCKET}/{fresh()}", b"hello", sha256=wrong)), (400, "XAmzContentSHA256Mismatch"))
    equal(code(signed("POST", f"/{BUCKET}?delete", b"<Delete><Object><Key>a</Key></Object></Delete>", sha256=wrong)),
          (400, "XAmzContentSHA256Mismatch"))


@probe("checksums: behind a stream of unknown content")
def _():
    class Unseekable:
        left = [b"hello ", b"world"]

        def read(self, size=-1):
            return self.left.pop(0) if self.left else b""

    key = fresh()
    s3.upload_fileobj(Unseekable(), BUCKET, key)
    equal(get(key), b"hello world")


# Multipart

@probe("multipart: parts in order become the object")
def _():
    key, bodies = fresh(), [bytes_of(5 * MIB, 1), bytes_of(5 * MIB, 2), b"end"]
    done = complete(key, *upload(key, bodies))
    md5s = b"".join(hashlib.md5(body).digest() for body in bodies)
    equal(done["ETag"], f'"{hashlib.md5(md5s).hexdigest()}-3"')
    assert get(key) == b"".join(bodies)
    equal(head(key, PartNumber=2)["PartsCount"], 3)


@probe("multipart: completing twice gives the same answer")
def _():
    key = fresh()
    upload_id, parts = upload(key, [b"only"])
    first, second = complete(key, upload_id, parts), complete(key, upload_id, parts)
    equal((first["ETag"], first["Location"]), (second["ETag"], second["Location"]))
    other = {"Parts": [{"PartNumber": 1, "ETag": '"0"'}]}
    refused(lambda: complete(key, upload_id, other), "NoSuchUpload", "InvalidPart")


@probe("multipart: what ended takes no parts")
def _():
    key = fresh()
    upload_id, parts = upload(key, [b"only"])
    complete(key, upload_id, parts)
    refused(lambda: s3.upload_part(Bucket=BUCKET, Key=key, UploadId=upload_id, PartNumber=2, Body=b"x"),
            "NoSuchUpload", status=404)
    upload_id, _ = upload(key, [b"x"])
    s3.abort_multipart_upload(Bucket=BUCKET, Key=key, UploadId=upload_id)
    refused(lambda: s3.list_parts(Bucket=BUCKET, Key=key, UploadId=upload_id), "NoSuchUpload", status=404)


@probe("multipart: a wrong ETag is InvalidPart")
def _():
    key = fresh()
    upload_id, parts = upload(key, [b"x"])
    parts["Parts"][0]["ETag"] = '"00000000000000000000000000000000"'
    refused(lambda: complete(key, upload_id, parts), "InvalidPart", status=400)


@probe("multipart: parts out of order are InvalidPartOrder")
def _():
    key = fresh()
    upload_id, parts = upload(key, [bytes_of(5 * MIB), b"x"])
    parts["Parts"].reverse()
    refused(lambda: complete(key, upload_id, parts), "InvalidPartOrder", status=400)


@probe("multipart: small parts are EntityTooSmall")
def _():
    key = fresh()
    refused(lambda: complete(key, *upload(key, [b"a", b"b"])), "EntityTooSmall", status=400)


@probe("multipart: a list of no parts is refused")
def _():
    key = fresh()
    upload_id, _ = upload(key, [b"a"])
    refused(lambda: complete(key, upload_id, {"Parts": []}), "MalformedXML", "InvalidRequest", status=400)


@probe("multipart: an upload is of its own key")
def _():
    upload_id, parts = upload(fresh(), [b"a"])
    refused(lambda: complete(fresh(), upload_id, parts), "NoSuchUpload", status=404)


@probe("multipart: parts are listed by pages")
def _():
    key = fresh()
    upload_id, _ = upload(key, [b"x"] * 5)
    pages = s3.get_paginator("list_parts").paginate(Bucket=BUCKET, Key=key, UploadId=upload_id,
                                                   PaginationConfig={"PageSize": 2})
    equal([[part["PartNumber"] for part in page["Parts"]] for page in pages], [[1, 2], [3, 4], [5]])


@probe("multipart: uploads are listed by pages")
def _():
    base = fresh("")
    ids = [upload(f"{base}{n}", [])[0] for n in range(5)]
    pages = s3.get_paginator("list_multipart_uploads").paginate(Bucket=BUCKET, Prefix=base,
                                                                PaginationConfig={"PageSize": 2})
    equal([one["UploadId"] for page in pages for one in page.get("Uploads", [])], ids)


@probe("multipart: part numbers are 1 to 10,000")
def _():
    key = fresh()
    upload_id, _ = upload(key, [])
    for number in (0, 10001):
        refused(lambda: s3.upload_part(Bucket=BUCKET, Key=key, UploadId=upload_id, PartNumber=number, Body=b"x"),
                "InvalidArgument", status=400)


@probe("multipart: composite checksums")
def _():
    key = fresh()
    upload_id, parts = upload(key, [bytes_of(5 * MIB), b"x"], ChecksumAlgorithm="SHA256")
    sums = b"".join(base64.b64decode(part["ChecksumSHA256"]) for part in parts["Parts"])
    expected = base64.b64encode(hashlib.sha256(sums).digest()).decode() + "-2"
    equal(complete(key, upload_id, parts)["ChecksumSHA256"], expected)


@probe("multipart: checksums of the whole object")
def _():
    key, bodies = fresh(), [bytes_of(5 * MIB), b"x"]
    upload_id, parts = upload(key, bodies, ChecksumAlgorithm="CRC32", ChecksumType="FULL_OBJECT")
    whole = base64.b64encode(zlib.crc32(b"".join(bodies)).to_bytes(4, "big")).decode()
    refused(lambda: complete(key, upload_id, parts, ChecksumCRC32="AAAAAA==", ChecksumType="FULL_OBJECT"),
            "BadDigest", status=400)
    equal(complete(key, upload_id, parts, ChecksumCRC32=whole, ChecksumType="FULL_OBJECT")["ChecksumCRC32"], whole)


@probe("multipart: the size is compared")
def _():
    key = fresh()
    upload_id, parts = upload(key, [b"four"])
    refused(lambda: complete(key, upload_id, parts, MpuObjectSize=5), "InvalidRequest", status=400)
    complete(key, upload_id, parts, MpuObjectSize=4)


@probe("multipart: attributes tell the parts")
def _():
    key = fresh()
    complete(key, *upload(key, [bytes_of(5 * MIB), b"x"], ChecksumAlgorithm="SHA256"))
    found = s3.get_object_attributes(Bucket=BUCKET, Key=key, ObjectAttributes=["ObjectParts"])["ObjectParts"]
    equal((found["TotalPartsCount"], [part["Size"] for part in found["Parts"]]), (2, [5 * MIB, 1]))


# Copies

@probe("copy: with all that was said")
def _():
    key = fresh("ü +")
    put(key, ContentType="text/a", Metadata={"a": "1"}, Tagging="t=1")
    to = fresh()
    copied = s3.copy_object(Bucket=BUCKET, Key=to, CopySource={"Bucket": BUCKET, "Key": key})["CopyObjectResult"]
    equal((copied["ETag"].strip('"'), get(to)), (hashlib.md5(b"hello").hexdigest(), b"hello"))
    assert "ChecksumCRC64NVME" in copied, copied
    equal((head(to)["ContentType"], head(to)["Metadata"], head(to)["TagCount"]), ("text/a", {"a": "1"}, 1))


@probe("copy: with other headers and tags")
def _():
    key, to = fresh(), fresh()
    put(key, ContentType="text/a", Metadata={"a": "1"}, Tagging="t=1")
    s3.copy_object(Bucket=BUCKET, Key=to, CopySource=f"{BUCKET}/{key}", MetadataDirective="REPLACE",
                   ContentType="text/b", TaggingDirective="REPLACE", Tagging="u=2")
    equal((head(to)["ContentType"], head(to)["Metadata"]), ("text/b", {}))
    equal(s3.get_object_tagging(Bucket=BUCKET, Key=to)["TagSet"], [{"Key": "u", "Value": "2"}])


@probe("copy: conditions of source and target")
def _():
    key, to = fresh(), fresh()
    etag = put(key)["ETag"]
    copy = lambda **more: s3.copy_object(Bucket=BUCKET, Key=to, CopySource=f"{BUCKET}/{key}", **more)
    refused(lambda: copy(CopySourceIfMatch='"other"'), "PreconditionFailed", status=412)
    copy(CopySourceIfMatch=etag, IfNoneMatch="*")
    refused(lambda: copy(CopySourceIfMatch=etag, IfNoneMatch="*"), "PreconditionFailed", status=412)


@probe("copy: onto itself it has to change something")
def _():
    key = fresh()
    put(key)
    copy = lambda **more: s3.copy_object(Bucket=BUCKET, Key=key, CopySource=f"{BUCKET}/{key}", **more)
    refused(copy, "InvalidRequest", status=400)
    copy(MetadataDirective="REPLACE", Metadata={"new": "1"})
    equal(head(key)["Metadata"], {"new": "1"})


@probe("copy: a source that is not there")
def _():
    refused(lambda: s3.copy_object(Bucket=BUCKET, Key=fresh(), CopySource=f"{BUCKET}/none"), "NoSuchKey", status=404)


@probe("copy: another checksum is computed")
def _():
    key, to = fresh(), fresh()
    put(key)
    copied = s3.copy_object(Bucket=BUCKET, Key=to, CopySource=f"{BUCKET}/{key}", ChecksumAlgorithm="SHA256")
    equal(copied["CopyObjectResult"]["ChecksumSHA256"], base64.b64encode(hashlib.sha256(b"hello").digest()).decode())


@probe("copy: parts of an object")
def _():
    key, to = fresh(), fresh()
    put(key, b"0123456789")
    upload_id, _ = upload(to, [])
    part = s3.upload_part_copy(Bucket=BUCKET, Key=to, UploadId=upload_id, PartNumber=1, CopySourceRange="bytes=2-5",
                               CopySource=f"{BUCKET}/{key}")["CopyPartResult"]
    complete(to, upload_id, {"Parts": [{"PartNumber": 1, "ETag": part["ETag"]}]})
    equal(get(to), b"2345")


@probe("copy: a copy of parts is one body, with an ETag of its own")
def _():
    key, to = fresh(), fresh()
    complete(key, *upload(key, [bytes_of(5 * MIB), b"x"]))
    copied = s3.copy_object(Bucket=BUCKET, Key=to, CopySource=f"{BUCKET}/{key}")["CopyObjectResult"]["ETag"]
    equal(copied.strip('"'), hashlib.md5(bytes_of(5 * MIB) + b"x").hexdigest())


# Listings

@probe("lists: prefixes, delimiters and pages")
def _():
    base = fresh("")
    for name in ["a", "b/1", "b/2", "c/1", "d"]:
        put(base + name)
    found, token = [], {}
    while True:
        page = s3.list_objects_v2(Bucket=BUCKET, Prefix=base, Delimiter="/", MaxKeys=2, **token)
        equal(page["KeyCount"], len(page.get("Contents", [])) + len(page.get("CommonPrefixes", [])))
        found.append([entry["Key"][len(base):] for entry in page.get("Contents", [])]
                     + [entry["Prefix"][len(base):] for entry in page.get("CommonPrefixes", [])])
        if not page["IsTruncated"]:
            break
        token = {"ContinuationToken": page["NextContinuationToken"]}
    equal(found, [["a", "b/"], ["d", "c/"]] if len(found) == 2 and len(found[1]) == 2 else [["a", "b/"], ["c/"], ["d"]])


@probe("lists: 2,500 keys by paginators, old and new")
def _():
    base = fresh("")
    source = fresh()
    put(source, b"")

    def some(numbers):
        mine = client()
        for n in numbers:
            mine.copy_object(Bucket=BUCKET, Key=f"{base}{n:04}", CopySource=f"{BUCKET}/{source}")

    threads = [threading.Thread(target=some, args=(range(first, 2500, 8),)) for first in range(8)]
    [thread.start() for thread in threads]
    [thread.join() for thread in threads]
    expected = [f"{base}{n:04}" for n in range(2500)]
    for name, field in [("list_objects_v2", "Contents"), ("list_objects", "Contents"),
                        ("list_object_versions", "Versions")]:
        pages = list(s3.get_paginator(name).paginate(Bucket=BUCKET, Prefix=base))
        equal(([entry["Key"] for page in pages for entry in page[field]] == expected, len(pages)), (True, 3))
    pages = s3.get_paginator("list_objects_v2").paginate(Bucket=BUCKET, Prefix=base)
    for page in pages:
        wanted = [{"Key": entry["Key"]} for entry in page["Contents"]]
        equal(len(s3.delete_objects(Bucket=BUCKET, Delete={"Objects": wanted})["Deleted"]), len(wanted))


@probe("lists: start after a key, and none at all")
def _():
    base = fresh("")
    for name in "abc":
        put(base + name)
    equal(keys(Prefix=base, StartAfter=base + "a"), [base + "b", base + "c"])
    equal(s3.list_objects_v2(Bucket=BUCKET, Prefix=base, MaxKeys=0)["KeyCount"], 0)


@probe("lists: control characters are references where names are not encoded")
def _():
    base = fresh("")
    put(base + "a\x01b")
    put(base + "a\rb")
    status, _, xml = signed("GET", f"/{BUCKET}?list-type=2&prefix={urllib.parse.quote(base, safe='')}")
    assert status == 200 and b"a&#x1;b" in xml and b"a&#xd;b" in xml.lower(), xml
    equal(sorted(keys(Prefix=base)), [base + "a\x01b", base + "a\rb"])


@probe("lists: owners if asked for")
def _():
    base = fresh("")
    put(base + "a")
    assert "Owner" not in s3.list_objects_v2(Bucket=BUCKET, Prefix=base)["Contents"][0]
    assert s3.list_objects_v2(Bucket=BUCKET, Prefix=base, FetchOwner=True)["Contents"][0]["Owner"]["ID"]


@probe("lists: negative pages and foreign tokens are refused")
def _():
    equal(code(signed("GET", f"/{BUCKET}?list-type=2&max-keys=-1")), (400, "InvalidArgument"))
    refused(lambda: s3.list_objects_v2(Bucket=BUCKET, ContinuationToken="none"), "InvalidArgument", status=400)


# Versions

@probe("versions: each object has one, called null")
def _():
    key = fresh()
    put(key)
    found = s3.list_object_versions(Bucket=BUCKET, Prefix=key)["Versions"]
    equal([(one["Key"], one["VersionId"], one["IsLatest"]) for one in found], [(key, "null", True)])
    equal(get(key, VersionId="null"), b"hello")
    assert "VersionId" not in head(key)


@probe("versions: others do not exist")
def _():
    key = fresh()
    put(key)
    refused(lambda: get(key, VersionId="a" * 32), "NoSuchVersion", status=404)
    refused(lambda: get(key, VersionId="x"), "InvalidArgument", status=400)


@probe("versions: null can be deleted by name")
def _():
    key = fresh()
    put(key)
    s3.delete_object(Bucket=BUCKET, Key=key, VersionId="null")
    refused(lambda: get(key), "NoSuchKey")


# Signatures

@probe("signing: URLs of version 4")
def _():
    key = fresh()
    url = v4.generate_presigned_url("put_object", {"Bucket": BUCKET, "Key": key, "ContentType": "text/x"})
    assert "X-Amz-Signature" in url
    equal(fetch(url, "PUT", b"bytes", {"Content-Type": "text/x"})[0], 200)
    equal(fetch(url, "PUT", b"bytes", {"Content-Type": "text/y"})[0], 403)
    equal(fetch(v4.generate_presigned_url("get_object", {"Bucket": BUCKET, "Key": key}))[::2], (200, b"bytes"))


@probe("signing: URLs of version 2, which boto3 makes by default")
def _():
    key = fresh()
    old = client(config={"signature_version": "s3-query"})
    url = old.generate_presigned_url("put_object", {"Bucket": BUCKET, "Key": key, "ContentType": "text/x"})
    assert "AWSAccessKeyId=" in url, url
    equal(fetch(url, "PUT", b"bytes", {"Content-Type": "text/x"})[0], 200)
    more = {"Bucket": BUCKET, "Key": key, "ResponseContentType": "text/z"}
    url = old.generate_presigned_url("get_object", more)
    answer = fetch(url)
    equal((answer[0], answer[2], answer[1]["content-type"]), (200, b"bytes", "text/z"))
    equal(fetch(url.replace("text%2Fz", "text%2Fq"))[0], 403)
    equal(fetch(re.sub(r"Expires=\d+", "Expires=1000", url))[0], 403)
    equal(fetch(url, headers={"Host": "store.example.com"})[0], 403)


@probe("signing: version 2 in headers is refused as in younger regions")
def _():
    old = client(config={"signature_version": "s3"})
    refused(lambda: old.list_objects(Bucket=BUCKET), "InvalidRequest", status=400)


@probe("signing: expired, tampered, foreign and absent")
def _():
    key = fresh()
    put(key)
    url = v4.generate_presigned_url("get_object", {"Bucket": BUCKET, "Key": key}, ExpiresIn=1)
    time.sleep(max(0, 2.1 - time.time() % 1))
    equal(code(fetch(url)), (403, "AccessDenied"))
    url = v4.generate_presigned_url("get_object", {"Bucket": BUCKET, "Key": key})
    equal(code(fetch(url.replace(key, key + "x"))), (403, "SignatureDoesNotMatch"))
    equal(code(send("GET", f"/{BUCKET}/{key}")), (403, "AccessDenied"))
    refused(lambda: client(aws_access_key_id="other", aws_secret_access_key="x").list_buckets(), "InvalidAccessKeyId",
            status=403)
    refused(lambda: client(aws_access_key_id=ACCESS, aws_secret_access_key="x").list_buckets(), "SignatureDoesNotMatch",
            status=403)


@probe("signing: a header that nobody signed does not make a copy")
def _():
    key = fresh()
    put(key, b"secret")
    url = v4.generate_presigned_url("put_object", {"Bucket": BUCKET, "Key": fresh()})
    equal(fetch(url, "PUT", b"x", {"x-amz-copy-source": f"/{BUCKET}/{key}"})[0], 403)


@probe("signing: a clock that is wrong is told so")
def _():
    status, _, body = send("GET", f"/{BUCKET}", headers=late_headers())
    equal(code((status, {}, body)), (403, "RequestTimeTooSkewed"))


def late_headers():
    """A signature of yesterday."""
    then = (datetime.datetime.now(datetime.timezone.utc) - datetime.timedelta(days=1)).strftime("%Y%m%dT%H%M%SZ")
    empty = hashlib.sha256(b"").hexdigest()
    names = "host;x-amz-content-sha256;x-amz-date"
    canonical = f"GET\n/{BUCKET}\n\nhost:{HOST}\nx-amz-content-sha256:{empty}\nx-amz-date:{then}\n\n{names}\n{empty}"
    scope = f"{then[:8]}/{REGION}/s3/aws4_request"
    text = f"AWS4-HMAC-SHA256\n{then}\n{scope}\n{hashlib.sha256(canonical.encode()).hexdigest()}"
    key = b"AWS4" + SECRET.encode()
    for step in [*scope.split("/"), text]:
        key = hmac.new(key, step.encode(), hashlib.sha256).digest()
    credential = f"AWS4-HMAC-SHA256 Credential={ACCESS}/{scope}, SignedHeaders={names}, Signature={key.hex()}"
    return {"x-amz-date": then, "x-amz-content-sha256": empty, "Authorization": credential}


@probe("signing: the wrong region is told the right one")
def _():
    answer = signed("GET", f"/{BUCKET}", region="eu-west-1")
    equal(code(answer), (400, "AuthorizationHeaderMalformed"))
    assert f"<Region>{REGION}</Region>".encode() in answer[2] and answer[1]["x-amz-bucket-region"] == REGION, answer
    equal(signed("HEAD", f"/{BUCKET}", region="eu-west-1")[1]["x-amz-bucket-region"], REGION)


@probe("signing: boto3 redirects itself to the right region")
def _():
    key = fresh()
    away = client(region="eu-west-1", config={"signature_version": "s3v4"})
    away.put_object(Bucket=BUCKET, Key=key, Body=b"x")
    equal((away.head_object(Bucket=BUCKET, Key=key)["ContentLength"], get(key)), (1, b"x"))


# Forms

def post(make, fields=None, conditions=None, body=b"hello", key=None, **changes):
    key = key or fresh()
    signed_form = make.generate_presigned_post(BUCKET, key, Fields=fields, Conditions=conditions)
    return key, form({**signed_form["fields"], **changes}, body)


for version, make in [("4", v4), ("2", client(config={"signature_version": "s3"}))]:
    @probe(f"forms: signed by version {version}")
    def _(make=make, version=version):
        key, answer = post(make)
        equal((answer[0], get(key)), (204, b"hello"))
        assert ("signature" if version == "2" else "x-amz-signature") in make.generate_presigned_post(BUCKET, "k")["fields"]
        equal(post(make, key=fresh(), policy=base64.b64encode(b"{}").decode())[1][0] in (400, 403), True)


@probe("forms: conditions on length, beginning and equality")
def _():
    limits = [["content-length-range", 2, 6], ["starts-with", "$Content-Type", "image/"]]
    kind = {"Content-Type": "image/png"}
    equal(post(v4, conditions=limits, **kind)[1][0], 204)
    equal(code(post(v4, conditions=limits, body=b"x" * 7, **kind)[1]), (400, "EntityTooLarge"))
    equal(code(post(v4, conditions=limits, body=b"x", **kind)[1]), (400, "EntityTooSmall"))
    equal(post(v4, conditions=limits, **{"Content-Type": "text/html"})[1][0], 403)


@probe("forms: a field without a condition is refused")
def _():
    equal(code(post(v4, **{"x-amz-meta-a": "1"})[1]), (403, "AccessDenied"))


@probe("forms: ${filename}, success status and redirect")
def _():
    base = fresh("")
    status = {"success_action_status": "201"}
    _, answer = post(v4, status, [status], key=base + "${filename}")
    assert answer[0] == 201 and f"<Key>{base}photo.png</Key>".encode() in answer[2], answer
    there = {"success_action_redirect": "http://page.example/done?a=1"}
    key, answer = post(v4, there, [there])
    where = urllib.parse.urlsplit(answer[1]["location"])
    query = urllib.parse.parse_qs(where.query)
    equal((answer[0], query["key"], query["bucket"], query["a"]), (303, [key], [BUCKET], ["1"]))


@probe("forms: tags are kept")
def _():
    xml = "<Tagging><TagSet><Tag><Key>a</Key><Value>1</Value></Tag></TagSet></Tagging>"
    key, answer = post(v4, {"tagging": xml}, [{"tagging": xml}])
    equal(answer[0], 204)
    equal(s3.get_object_tagging(Bucket=BUCKET, Key=key)["TagSet"], [{"Key": "a", "Value": "1"}])


@probe("forms: ACLs are refused as elsewhere")
def _():
    public = {"acl": "public-read"}
    equal(code(post(v4, public, [public])[1]), (400, "AccessControlListNotSupported"))
    owner = {"acl": "bucket-owner-full-control"}
    equal(post(v4, owner, [owner])[1][0], 204)


# Connections

def raw(head, then=b""):
    """Sends a head, waits for an answer, and what else comes on the connection after `then`."""
    connection = socket.create_connection(HOST.split(":"), timeout=10)
    connection.sendall(head.encode())
    answer = b""
    while b"\r\n\r\n" not in answer:
        answer += connection.recv(65536)
    connection.sendall(then)
    try:
        while data := connection.recv(65536):
            answer += data
    except ConnectionResetError:
        pass
    return answer


@probe("connections: a refusal instead of 100 Continue ends the connection")
def _():
    head = f"PUT /{BUCKET}/k HTTP/1.1\r\nHost: {HOST}\r\nContent-Length: 1000\r\nExpect: 100-continue\r\n\r\n"
    answer = raw(head)
    assert answer.startswith(b"HTTP/1.1 403") and b"connection: close" in answer.lower(), answer
    assert b"100 Continue" not in answer, answer


@probe("connections: so does an answer that needs no body")
def _():
    url = urllib.parse.urlsplit(v4.generate_presigned_url("put_object", {"Bucket": BUCKET, "Key": fresh()}))
    answer = raw(f"PUT {url.path}?{url.query} HTTP/1.1\r\nHost: {HOST}\r\nContent-Length: 0\r\n"
                 "Expect: 100-continue\r\n\r\n")
    assert answer.startswith(b"HTTP/1.1 200") and b"connection: close" in answer.lower(), answer


@probe("connections: 100 Continue is sent where the body is wanted")
def _():
    url = urllib.parse.urlsplit(v4.generate_presigned_url("put_object", {"Bucket": BUCKET, "Key": fresh()}))
    head = (f"PUT {url.path}?{url.query} HTTP/1.1\r\nHost: {HOST}\r\nContent-Length: 5\r\nConnection: close\r\n"
            "Expect: 100-continue\r\n\r\n")
    answer = raw(head, b"hello")
    assert answer.startswith(b"HTTP/1.1 100 Continue") and b"HTTP/1.1 200" in answer, answer


@probe("connections: a PUT without a length is 411")
def _():
    url = urllib.parse.urlsplit(v4.generate_presigned_url("put_object", {"Bucket": BUCKET, "Key": fresh()}))
    answer = raw(f"PUT {url.path}?{url.query} HTTP/1.1\r\nHost: {HOST}\r\nTransfer-Encoding: chunked\r\n"
                 "Connection: close\r\n\r\n5\r\nhello\r\n0\r\n\r\n")
    assert answer.startswith(b"HTTP/1.1 411") and b"MissingContentLength" in answer, answer


def main():
    wrong, agreeing = [], []
    only = sys.argv[3] if len(sys.argv) > 3 else ""
    chosen = [(name, run) for name, run in PROBES if only in name]
    for name, run in chosen:
        try:
            run()
        except Exception as error:
            if name not in DIFFERS:
                wrong.append(name)
                print(f"✗ {name}: {type(error).__name__}: {str(error)[:600]}")
                continue
            print(f"~ {name}: {DIFFERS[name]}")
            continue
        if name in DIFFERS:
            agreeing.append(name)
            print(f"! {name}: agrees by now")
    differing = sum(name in DIFFERS for name, _ in chosen)
    print(f"{len(chosen) - len(wrong) - differing} of {len(chosen)} kinds of behaviour are as on AWS")
    sys.exit(bool(wrong or agreeing))


main()
