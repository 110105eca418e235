# The command `dlc` and the examples. All of dlc but main() is a library, for its unit tests.
set(build_info ${CMAKE_BINARY_DIR}/generated/build_info.h)
add_custom_target(build_info BYPRODUCTS ${build_info}
  COMMAND ${CMAKE_COMMAND} -DSOURCE=${CMAKE_SOURCE_DIR} -DOUTPUT=${build_info}
          -DVERSION=${PROJECT_VERSION} -DBUILD_TYPE=${CMAKE_BUILD_TYPE}
          -P ${CMAKE_SOURCE_DIR}/cmake/BuildInfo.cmake)

file(GLOB tool_sources CONFIGURE_DEPENDS ${CMAKE_SOURCE_DIR}/tools/dlc/*.cpp)
# Reading and writing files is a library of its own: fuzz targets need no more of the tool.
set(file_sources files.cpp npy.cpp zip.cpp)
list(TRANSFORM file_sources PREPEND ${CMAKE_SOURCE_DIR}/tools/dlc/)
list(REMOVE_ITEM tool_sources ${CMAKE_SOURCE_DIR}/tools/dlc/main.cpp ${file_sources})
add_library(dlc_files STATIC ${file_sources})
target_link_libraries(dlc_files PUBLIC dlc_driver ZLIB::ZLIB)
add_library(dlc_tool STATIC ${tool_sources})
target_include_directories(dlc_tool PRIVATE ${CMAKE_BINARY_DIR}/generated)
target_link_libraries(dlc_tool PUBLIC dlc_files dlc_driver CLI11::CLI11 nlohmann_json::nlohmann_json ZLIB::ZLIB
                      protobuf::libprotobuf-lite)
add_dependencies(dlc_tool build_info)

add_executable(dlc ${CMAKE_SOURCE_DIR}/tools/dlc/main.cpp)
target_link_libraries(dlc PRIVATE dlc_tool)
include(GNUInstallDirs)
add_dependencies(dlc dlc_llvm_backend)
install(TARGETS dlc dlc_driver dlc_llvm_backend dlc_media LIBRARY DESTINATION ${CMAKE_INSTALL_LIBDIR}
        RUNTIME DESTINATION ${CMAKE_INSTALL_BINDIR})

add_executable(classify_file ${CMAKE_SOURCE_DIR}/examples/classify_file.cpp)
target_link_libraries(classify_file PRIVATE dlc_driver nlohmann_json::nlohmann_json)
add_dependencies(classify_file dlc_llvm_backend)

add_library(cube_plugin MODULE ${CMAKE_SOURCE_DIR}/examples/plugin/cube.c)
target_include_directories(cube_plugin PRIVATE ${CMAKE_SOURCE_DIR}/include)
set_target_properties(cube_plugin PROPERTIES PREFIX "" LIBRARY_OUTPUT_DIRECTORY ${CMAKE_BINARY_DIR}/examples)

# docs/operators.md says what the rows say; test_commands checks that it is current.
add_custom_target(docs COMMAND dlc ops --markdown > ${CMAKE_SOURCE_DIR}/docs/operators.md)
