# ONNX's message definitions, compiled with the lite Protobuf runtime: the target onnx_proto.
# DLC_ONNX_PROTO names onnx-ml.proto; the set-up script puts it into .cache/.
set(DLC_ONNX_PROTO "${CMAKE_SOURCE_DIR}/.cache/onnx/onnx-ml.proto" CACHE FILEPATH
    "onnx-ml.proto of ONNX 1.23.2 or newer")
if(NOT EXISTS ${DLC_ONNX_PROTO})
  message(FATAL_ERROR "no ${DLC_ONNX_PROTO}: run tools/setup.sh, or set DLC_ONNX_PROTO")
endif()
set(proto_dir ${CMAKE_BINARY_DIR}/onnx_proto)
file(MAKE_DIRECTORY ${proto_dir})
# The lite runtime: no descriptors, no reflection.
file(READ ${DLC_ONNX_PROTO} proto_text)
string(REGEX REPLACE "\n(// *)?option optimize_for *= *LITE_RUNTIME;" "" proto_text "${proto_text}")
string(REPLACE "package onnx;" "package onnx;\noption optimize_for = LITE_RUNTIME;" proto_text
       "${proto_text}")
file(CONFIGURE OUTPUT ${proto_dir}/onnx-ml.proto CONTENT "${proto_text}" @ONLY)
add_custom_command(
  OUTPUT ${proto_dir}/onnx-ml.pb.cc ${proto_dir}/onnx-ml.pb.h
  COMMAND protobuf::protoc --cpp_out=${proto_dir} -I${proto_dir} ${proto_dir}/onnx-ml.proto
  DEPENDS ${proto_dir}/onnx-ml.proto)
add_library(onnx_proto STATIC ${proto_dir}/onnx-ml.pb.cc)
target_include_directories(onnx_proto SYSTEM PUBLIC ${proto_dir})
target_compile_options(onnx_proto PRIVATE -w)
target_link_libraries(onnx_proto PUBLIC protobuf::libprotobuf-lite)
# The header alone, for what links libdlc, which has the code: two copies of it must not meet.
add_library(onnx_messages INTERFACE)
target_include_directories(onnx_messages SYSTEM INTERFACE ${proto_dir})
target_link_libraries(onnx_messages INTERFACE protobuf::libprotobuf-lite)
