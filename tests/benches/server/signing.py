"""One presigned part URL a request, by FastAPI and boto3, as its users write it."""

import boto3
from botocore.config import Config
from fastapi import FastAPI

app = FastAPI()
s3 = boto3.client(
    "s3", region_name="us-east-1", endpoint_url="http://127.0.0.1:1", aws_access_key_id="AKIDEXAMPLE",
    aws_secret_access_key="wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY",
    config=Config(signature_version="s3v4", s3={"addressing_style": "path"}),
)


@app.get("/sign/{key}/{upload_id}/{number}")
def sign(key: str, upload_id: str, number: int):
    parameters = {"Bucket": "uploads", "Key": key, "UploadId": upload_id, "PartNumber": number}
    return {"url": s3.generate_presigned_url("upload_part", Params=parameters, ExpiresIn=900)}
