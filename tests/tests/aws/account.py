"""An AWS account for the tests: `account.py fill` puts things into it, `account.py show` tells in JSON
what is left and what the job runs are. The endpoint and the region are in the environment."""

import json
import sys

import boto3

TAG = "emberscope.dev/walkthrough"
POLICY = json.dumps(
    {"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": "s3:GetObject", "Resource": "*"}]}
)


def fill():
    """Of each kind: one thing of ours, one of another walkthrough, one without a tag."""
    for name, tags in {"ours": {TAG: "emberscope"}, "theirs": {TAG: "other"}, "untagged": {}}.items():
        boto3.client("amp").create_workspace(alias=name, tags=tags)
        boto3.client("emr-containers").create_virtual_cluster(
            name=name,
            containerProvider={"type": "EKS", "id": "spark", "info": {"eksInfo": {"namespace": name}}},
            tags=tags,
        )
        boto3.client("logs").create_log_group(logGroupName=f"/emberscope/{name}", tags=tags)
        pairs = [{"Key": key, "Value": value} for key, value in tags.items()]
        boto3.client("sns").create_topic(Name=f"emberscope-{name}", Tags=pairs)
        boto3.client("cloudwatch").put_metric_alarm(
            AlarmName=f"emberscope-{name}",
            Namespace="AWS/SNS",
            MetricName="NumberOfMessagesPublished",
            Statistic="Sum",
            Period=300,
            EvaluationPeriods=3,
            Threshold=1,
            ComparisonOperator="LessThanThreshold",
            Tags=pairs,
        )
        iam = boto3.client("iam")
        iam.create_role(RoleName=f"emberscope-{name}", AssumeRolePolicyDocument=POLICY, Tags=pairs)
        iam.put_role_policy(RoleName=f"emberscope-{name}", PolicyName="job", PolicyDocument=POLICY)
        s3 = boto3.client("s3")
        bucket = f"emberscope-{name}"
        s3.create_bucket(Bucket=bucket, CreateBucketConfiguration={"LocationConstraint": "eu-west-1"})
        s3.put_object(Bucket=bucket, Key="data/trips.parquet", Body=b"trips")
        if pairs:
            s3.put_bucket_tagging(Bucket=bucket, Tagging={"TagSet": pairs})


def show():
    emr = boto3.client("emr-containers")
    clusters = emr.list_virtual_clusters()["virtualClusters"]
    runs = [run for cluster in clusters for run in emr.list_job_runs(virtualClusterId=cluster["id"])["jobRuns"]]
    return {
        "prometheus": [workspace["alias"] for workspace in boto3.client("amp").list_workspaces()["workspaces"]],
        "virtual-cluster": [cluster["name"] for cluster in clusters if cluster["state"] == "RUNNING"],
        "topic": [topic["TopicArn"] for topic in boto3.client("sns").list_topics()["Topics"]],
        "alarm": [alarm["AlarmName"] for alarm in boto3.client("cloudwatch").describe_alarms()["MetricAlarms"]],
        "log-group": [group["logGroupName"] for group in boto3.client("logs").describe_log_groups()["logGroups"]],
        "role": [role["RoleName"] for role in boto3.client("iam").list_roles()["Roles"]],
        "bucket": [bucket["Name"] for bucket in boto3.client("s3").list_buckets()["Buckets"]],
        "clusters": {cluster["name"]: cluster["id"] for cluster in clusters},
        "runs": runs,
    }


if sys.argv[1] == "fill":
    fill()
print(json.dumps(show(), default=str))
