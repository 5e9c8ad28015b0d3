"""Clients that people have, as they use them: boto3's transfers, the AWS command line, rclone, and s3cmd of PyPI and Debian.

    tools.py ENDPOINT BUCKET [NAME]

The programs of PyPI lie beside the interpreter; the store's credentials are in the environment.
"""

import filecmp
import hashlib
import io
import os
import pathlib
import subprocess
import sys
import tempfile
import threading
import time
import traceback
import urllib.parse
import urllib.request

import boto3
from boto3.s3.transfer import TransferConfig

ENDPOINT, BUCKET = sys.argv[1:3]
HOST = urllib.parse.urlsplit(ENDPOINT).netloc
BESIDE = pathlib.Path(sys.executable).parent
MIB = 1 << 20
TESTS = []


def test(run):
    TESTS.append(run)
    return run


def noise(size, seed=b"noise"):
    return hashlib.shake_128(seed).digest(size)


def folder(path):
    """Some files in folders, with names that have to be encoded, and one that is sent in parts."""
    files = {"a.txt": b"hello", "empty": b"", "sub/deep/b ü+&.txt": b"b" * 100, "sub/c%20d.bin": noise(70_000),
             "large.bin": noise(18 * MIB)}
    for name, content in files.items():
        file = path / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes(content)
    return path


def same(one, other):
    """Fails unless two folders hold the same files."""
    names = lambda path: sorted(str(file.relative_to(path)) for file in path.rglob("*") if file.is_file())
    assert names(one) == names(other), (names(one), names(other))
    _, wrong, unread = filecmp.cmpfiles(one, other, names(one), shallow=False)
    assert not wrong and not unread, (wrong, unread)


def run(*command, send=None, **environment):
    done = subprocess.run([str(part) for part in command], input=send, capture_output=True, timeout=120,
                          env={**os.environ, **environment})
    assert done.returncode == 0, f"{command} ended with {done.returncode}:\n{done.stdout[-800:]}\n{done.stderr[-1500:]}"
    return done.stdout


def fetch(url):
    with urllib.request.urlopen(url) as answer:
        return answer.read()


def both_directions(work, name, sync, delete):
    """Syncs a folder up and down, then what was changed and deleted, both ways."""
    here, there = folder(work / "here"), work / "there"
    there.mkdir()
    sync(here, name)
    sync(name, there)
    same(here, there)
    (here / "a.txt").write_bytes(b"changed, and longer")
    (here / "empty").unlink()
    delete(here, name)
    delete(name, there)
    same(here, there)
    (there / "new.txt").write_bytes(b"new")
    delete(there, name)
    delete(name, here)
    same(here, there)


@test
def boto3_transfers(work):
    s3 = boto3.client("s3", endpoint_url=ENDPOINT, region_name="us-east-1")
    content = noise(18 * MIB)
    source = work / "source"
    source.write_bytes(content)
    variants = {
        "default": {},
        "one thread": {"use_threads": False, "multipart_chunksize": 5 * MIB},
        "no parts": {"multipart_threshold": 64 * MIB},
        "many small parts": {"multipart_threshold": 5 * MIB, "multipart_chunksize": 5 * MIB, "max_concurrency": 16},
        "small pieces": {"io_chunksize": 4096, "max_io_queue": 3, "num_download_attempts": 1},
        "bandwidth": {"max_bandwidth": 60 * MIB},
        "classic": {"preferred_transfer_client": "classic"},
    }
    for name, fields in variants.items():
        config, key = TransferConfig(**fields), f"boto3/{name}"
        sums = {"ChecksumAlgorithm": "SHA256"} if name == "no parts" else {}
        s3.upload_file(str(source), BUCKET, key, Config=config, ExtraArgs={"Metadata": {"v": name}, **sums})
        s3.download_file(BUCKET, key, str(work / "target"), Config=config)
        assert (work / "target").read_bytes() == content, name
        s3.upload_fileobj(io.BytesIO(content), BUCKET, key, Config=config)
        target = io.BytesIO()
        s3.download_fileobj(BUCKET, key, target, Config=config)
        assert target.getvalue() == content, name
        s3.copy({"Bucket": BUCKET, "Key": key}, BUCKET, f"{key}-copy", Config=config)
        assert s3.head_object(Bucket=BUCKET, Key=f"{key}-copy")["ContentLength"] == len(content), name
    bucket = boto3.resource("s3", endpoint_url=ENDPOINT, region_name="us-east-1").Bucket(BUCKET)
    bucket.objects.filter(Prefix="boto3/").delete()
    assert not list(bucket.objects.filter(Prefix="boto3/"))


@test
def boto3_copies_300_mib_in_parts(work):
    s3 = boto3.client("s3", endpoint_url=ENDPOINT, region_name="us-east-1")
    piece = noise(30 * MIB)

    class Source(io.RawIOBase):
        left = 10

        def readable(self):
            return True

        def read(self, size=-1):
            # boto3 asks for parts of this size.
            if size == 0 or not self.left:
                return b""
            self.left -= 1
            return piece

    s3.upload_fileobj(Source(), BUCKET, "300", Config=TransferConfig(multipart_chunksize=30 * MIB, max_concurrency=2))
    parts = TransferConfig(multipart_threshold=32 * MIB, multipart_chunksize=32 * MIB)
    s3.copy({"Bucket": BUCKET, "Key": "300"}, BUCKET, "300-copy", Config=parts)
    one, other = (s3.head_object(Bucket=BUCKET, Key=key, ChecksumMode="ENABLED") for key in ["300", "300-copy"])
    assert one["ContentLength"] == other["ContentLength"] == 300 * MIB
    assert one["ChecksumCRC64NVME"] == other["ChecksumCRC64NVME"] and other["ETag"].endswith('-10"'), (one, other)
    s3.delete_objects(Bucket=BUCKET, Delete={"Objects": [{"Key": "300"}, {"Key": "300-copy"}]})


@test
def aws_command_line(work):
    def aws(*arguments, **more):
        return run(sys.executable, BESIDE / "aws", "--endpoint-url", ENDPOINT, *arguments, AWS_REGION="us-east-1",
                   AWS_MAX_ATTEMPTS="1", **more)

    at = lambda place: f"s3://{BUCKET}/aws" if place == "aws" else place
    both_directions(work, "aws", lambda one, other: aws("s3", "sync", at(one), at(other), "--only-show-errors"),
                    lambda one, other: aws("s3", "sync", at(one), at(other), "--delete", "--only-show-errors"))
    aws("s3", "cp", "-", f"s3://{BUCKET}/aws-stdin", send=noise(9 * MIB))
    assert aws("s3", "cp", f"s3://{BUCKET}/aws-stdin", "-") == noise(9 * MIB)
    url = aws("s3", "presign", f"s3://{BUCKET}/aws-stdin").decode().strip()
    assert fetch(url) == noise(9 * MIB), url
    aws("s3", "mv", f"s3://{BUCKET}/aws-stdin", f"s3://{BUCKET}/aws/moved", "--only-show-errors")
    assert b"moved" in aws("s3", "ls", f"s3://{BUCKET}/aws/", "--recursive")
    sums = aws("s3api", "get-object-attributes", "--bucket", BUCKET, "--key", "aws/moved", "--object-attributes",
               "ETag", "Checksum", "ObjectSize")
    assert b"ChecksumCRC64NVME" in sums, sums
    aws("s3", "rm", f"s3://{BUCKET}/aws", "--recursive", "--only-show-errors")


@test
def rclone(work):
    access = {"TYPE": "s3", "PROVIDER": "Other", "ENV_AUTH": "true", "ENDPOINT": ENDPOINT, "REGION": "us-east-1",
              "FORCE_PATH_STYLE": "true", "UPLOAD_CUTOFF": "8M", "CHUNK_SIZE": "5M", "COPY_CUTOFF": "12M"}
    environment = {f"RCLONE_CONFIG_E_{name}": value for name, value in access.items()}
    environment |= {"RCLONE_CONFIG": str(work / "rclone.conf"), "RCLONE_RETRIES": "1", "RCLONE_LOW_LEVEL_RETRIES": "1"}
    call = lambda *arguments, **more: run(BESIDE / "rclone", *arguments, **environment, **more)
    at = lambda place: f"e:{BUCKET}/rclone" if place == "rclone" else place
    sync = lambda one, other: call("sync", at(one), at(other), "--checksum")
    both_directions(work, "rclone", lambda one, other: call("copy", at(one), at(other)), sync)
    call("check", work / "here", at("rclone"), "--download")
    call("rcat", f"e:{BUCKET}/rclone/stdin", send=noise(11 * MIB))
    assert call("cat", f"e:{BUCKET}/rclone/stdin") == noise(11 * MIB)
    call("copyto", f"e:{BUCKET}/rclone/large.bin", f"e:{BUCKET}/rclone/copy.bin")
    assert call("cat", f"e:{BUCKET}/rclone/copy.bin", "--offset", str(12 * MIB)) == noise(18 * MIB)[12 * MIB:]
    url = call("link", f"e:{BUCKET}/rclone/a.txt", "--expire", "1h").decode().strip()
    assert fetch(url) == b"changed, and longer", url
    call("purge", at("rclone"))
    assert call("lsf", f"e:{BUCKET}", "--include", "rclone/**", "-R") == b""


def s3cmd(program):
    def runs(work):
        base = [*program, "--access_key", os.environ["AWS_ACCESS_KEY_ID"], "--secret_key",
                os.environ["AWS_SECRET_ACCESS_KEY"], "--host", HOST, "--host-bucket", HOST, "--no-ssl", "--no-progress",
                "--multipart-chunk-size-mb", "5", "--config", work / "none"]
        (work / "none").write_text("")
        call = lambda *arguments, **more: run(*base, *arguments, **more)
        at = lambda place: f"s3://{BUCKET}/s3cmd/" if place == "s3cmd" else f"{place}/"
        both_directions(work, "s3cmd", lambda one, other: call("sync", at(one), at(other)),
                        lambda one, other: call("sync", "--delete-removed", at(one), at(other)))
        one = f"s3://{BUCKET}/s3cmd/a.txt"
        call("modify", "--add-header", "Cache-Control: no-store", one)
        told = call("info", one)
        assert b"FULL_CONTROL" in told and b"changed" not in told, told
        call("info", f"s3://{BUCKET}")
        call("cp", one, f"s3://{BUCKET}/s3cmd/copy.txt")
        call("mv", f"s3://{BUCKET}/s3cmd/copy.txt", f"s3://{BUCKET}/s3cmd/moved.txt")
        assert b"moved.txt" in call("ls", "--recursive", f"s3://{BUCKET}/s3cmd/")
        url = call("signurl", one, str(int(time.time()) + 3600)).decode().strip()
        assert fetch(url) == b"changed, and longer", url
        call("put", "-", f"s3://{BUCKET}/s3cmd/stdin", send=noise(6 * MIB))
        assert call("get", f"s3://{BUCKET}/s3cmd/stdin", "-") == noise(6 * MIB)
        call("del", "--recursive", "--force", f"s3://{BUCKET}/s3cmd/")
        assert call("ls", "--recursive", f"s3://{BUCKET}/s3cmd/") == b""

    return runs


@test
def s3cmd_of_pypi(work):
    s3cmd([sys.executable, BESIDE / "s3cmd"])(work)


@test
def s3cmd_of_debian(work):
    program = pathlib.Path("/usr/bin/s3cmd")
    if not program.exists():
        print("- s3cmd_of_debian: there is no /usr/bin/s3cmd, so it is not tried")
        return
    s3cmd([program])(work)


def main():
    only = sys.argv[3] if len(sys.argv) > 3 else ""
    failed = []

    def one(run):
        began = time.monotonic()
        with tempfile.TemporaryDirectory() as work:
            try:
                run(pathlib.Path(work))
                print(f"✓ {run.__name__}, {time.monotonic() - began:.0f} s", flush=True)
            except Exception:
                failed.append(run.__name__)
                print(f"✗ {run.__name__}: {traceback.format_exc()[-3000:]}", flush=True)

    # Each has its own keys; the two of s3cmd share theirs, and follow one another.
    chosen = [run for run in TESTS if only in run.__name__]
    threads = [threading.Thread(target=one, args=(run,)) for run in chosen if "s3cmd" not in run.__name__]
    [thread.start() for thread in threads]
    [one(run) for run in chosen if "s3cmd" in run.__name__]
    [thread.join() for thread in threads]
    print(f"{len(chosen) - len(failed)} of {len(chosen)} clients work")
    sys.exit(bool(failed or not chosen))


main()
