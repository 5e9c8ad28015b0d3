"""Copies an object within a store by boto3's transfer manager, as its guide has it, and prints how many seconds that took.

With `--make MIB` it makes the object first, in parts, and copies nothing.
"""

import os
import sys
import time

import boto3
from botocore.config import Config

MIB = 1 << 20
PART = 64 * MIB

endpoint, access_key, secret_key, bucket, source, target, *made = sys.argv[1:]
s3 = boto3.client(
    "s3", region_name="us-east-1", endpoint_url=endpoint, aws_access_key_id=access_key,
    aws_secret_access_key=secret_key, config=Config(s3={"addressing_style": "path"}),
)
if made:
    upload = {"Bucket": bucket, "Key": source}
    upload["UploadId"] = s3.create_multipart_upload(**upload)["UploadId"]
    parts, left = [], int(made[1]) * MIB
    while left > 0:
        number = len(parts) + 1
        part = s3.upload_part(**upload, PartNumber=number, Body=os.urandom(min(PART, left)))
        parts.append({"PartNumber": number, "ETag": part["ETag"]})
        left -= PART
    s3.complete_multipart_upload(**upload, MultipartUpload={"Parts": parts})
else:
    begun = time.monotonic()
    s3.copy({"Bucket": bucket, "Key": source}, bucket, target)
    print(time.monotonic() - begun)
