"""Receives metrics and spans over OTLP and decodes them with the definitions that OpenTelemetry publishes for
Python: a line of JSON per request."""

import gzip
import json
import sys
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

from opentelemetry.proto.collector.metrics.v1.metrics_service_pb2 import (
    ExportMetricsServiceRequest,
    ExportMetricsServiceResponse,
)
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import (
    ExportTraceServiceRequest,
    ExportTraceServiceResponse,
)
from opentelemetry.proto.trace.v1.trace_pb2 import Span, Status


def attributes(pairs):
    return {pair.key: getattr(pair.value, pair.value.WhichOneof("value")) for pair in pairs}


def point(kind, it):
    told = {
        "attributes": attributes(it.attributes),
        "start": it.start_time_unix_nano,
        "time": it.time_unix_nano,
    }
    if kind == "histogram":
        told |= {"count": it.count, "sum": it.sum}
        told |= {"buckets": list(it.bucket_counts), "bounds": list(it.explicit_bounds)}
    else:
        told["value"] = getattr(it, it.WhichOneof("value"))
    return told


def metric(it):
    kind = it.WhichOneof("data")
    data = getattr(it, kind)
    return {
        "name": it.name,
        "unit": it.unit,
        "description": it.description,
        "kind": kind,
        "monotonic": getattr(data, "is_monotonic", None),
        "temporality": getattr(data, "aggregation_temporality", None),
        "points": [point(kind, one) for one in data.data_points],
    }


def event(it):
    return {"name": it.name, "time": it.time_unix_nano, "attributes": attributes(it.attributes)}


def span(it):
    return {
        "trace": it.trace_id.hex(),
        "id": it.span_id.hex(),
        "parent": it.parent_span_id.hex(),
        "name": it.name,
        "kind": Span.SpanKind.Name(it.kind),
        "start": it.start_time_unix_nano,
        "end": it.end_time_unix_nano,
        "attributes": attributes(it.attributes),
        "events": [event(one) for one in it.events],
        "status": Status.StatusCode.Name(it.status.code),
        "message": it.status.message,
    }


def metrics(body):
    request = ExportMetricsServiceRequest.FromString(body)
    (resource,) = request.resource_metrics
    (scope,) = resource.scope_metrics
    answer = ExportMetricsServiceResponse()
    return resource, scope, {"metrics": [metric(one) for one in scope.metrics]}, answer


def spans(body):
    request = ExportTraceServiceRequest.FromString(body)
    (resource,) = request.resource_spans
    (scope,) = resource.scope_spans
    return resource, scope, {"spans": [span(one) for one in scope.spans]}, ExportTraceServiceResponse()


class Receiver(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_POST(self):
        body = self.rfile.read(int(self.headers["Content-Length"]))
        if self.headers.get("Content-Encoding") == "gzip":
            body = gzip.decompress(body)
        read = spans if self.path.endswith("/traces") else metrics
        resource, scope, content, answer = read(body)
        told = {
            "path": self.path,
            "headers": {name.lower(): value for name, value in self.headers.items()},
            "bytes": len(body),
            "resource": attributes(resource.resource.attributes),
            "scope": [scope.scope.name, scope.scope.version],
        } | content
        # In one piece: another thread may write too.
        sys.stdout.write(json.dumps(told) + "\n")
        sys.stdout.flush()
        answer = answer.SerializeToString()
        self.send_response(200)
        self.send_header("Content-Type", "application/x-protobuf")
        self.send_header("Content-Length", str(len(answer)))
        self.end_headers()
        self.wfile.write(answer)

    def log_message(self, *_):
        pass


server = ThreadingHTTPServer(("127.0.0.1", 0), Receiver)
print(server.server_port, flush=True)
server.serve_forever()
