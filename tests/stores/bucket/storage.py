"""A server of S3's protocol on loopback, which honours conditional puts."""

from contextlib import contextmanager

from moto.server import ThreadedMotoServer

from maxsight.stores.addresses import BucketAddress

BUCKET = "bucket"


@contextmanager
def serving():
    """Give a function that gives the address of a library in a bucket of its own server."""
    import boto3

    server = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    server.start()
    endpoint = "http://{}:{}".format(*server.get_host_and_port())
    options = {
        "aws_access_key_id": "key",
        "aws_secret_access_key": "very-secret",
        "aws_region": "us-east-1",
        "aws_endpoint": endpoint,
        "allow_http": "true",
    }
    boto3.client(
        "s3",
        endpoint_url=endpoint,
        region_name="us-east-1",
        aws_access_key_id="key",
        aws_secret_access_key="very-secret",
    ).create_bucket(Bucket=BUCKET)

    def address(name, cache_bytes=10**9, **changes):
        return BucketAddress(f"s3://{BUCKET}/{name}", {**options, **changes}, cache_bytes)

    yield address
    server.stop()
