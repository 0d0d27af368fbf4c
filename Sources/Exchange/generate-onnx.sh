#!/bin/sh
# Writes onnx.pb.swift from onnx.proto. Needs protoc (Debian: protobuf-compiler) and
# protoc-gen-swift, built from the swift-protobuf release that Package.swift asks for:
#   PROTOC_GEN_SWIFT=/path/to/protoc-gen-swift ./generate-onnx.sh
set -e
cd "$(dirname "$0")"
protoc --plugin="${PROTOC_GEN_SWIFT:-$(command -v protoc-gen-swift)}" --swift_out=. \
  --swift_opt=UseAccessLevelOnImports=true onnx.proto
