# Targets that look at the sources: `lint` (layout, layers, sizes; seconds), `tidy` (clang-tidy;
# minutes), `format` (rewrites). The checks of layers and sizes are tests as well.
find_package(Python3 REQUIRED COMPONENTS Interpreter)
file(GLOB_RECURSE lint_sources CONFIGURE_DEPENDS
  ${CMAKE_SOURCE_DIR}/runtime/*.h ${CMAKE_SOURCE_DIR}/runtime/*.cpp
  ${CMAKE_SOURCE_DIR}/compiler/*.h ${CMAKE_SOURCE_DIR}/compiler/*.cpp
  ${CMAKE_SOURCE_DIR}/passes/*.h ${CMAKE_SOURCE_DIR}/passes/*.cpp
  ${CMAKE_SOURCE_DIR}/frontends/*.h ${CMAKE_SOURCE_DIR}/frontends/*.cpp
  ${CMAKE_SOURCE_DIR}/tools/*.h ${CMAKE_SOURCE_DIR}/tools/*.cpp
  ${CMAKE_SOURCE_DIR}/bench/*.h ${CMAKE_SOURCE_DIR}/bench/*.cpp
  ${CMAKE_SOURCE_DIR}/tests/*.h ${CMAKE_SOURCE_DIR}/tests/*.cpp
  ${CMAKE_SOURCE_DIR}/examples/*.cpp)

set(check_layers ${Python3_EXECUTABLE} ${CMAKE_SOURCE_DIR}/tools/check_layers.py)
set(check_sizes ${Python3_EXECUTABLE} ${CMAKE_SOURCE_DIR}/tools/check_sizes.py)
add_test(NAME layers COMMAND ${check_layers})
add_test(NAME sizes COMMAND ${check_sizes})

find_program(CLANG_FORMAT clang-format)
find_program(RUN_CLANG_TIDY NAMES run-clang-tidy run-clang-tidy-14)
set(need_tools COMMAND ${CMAKE_COMMAND} -E echo "install clang-format and clang-tidy: tools/setup.sh --lint"
    COMMAND ${CMAKE_COMMAND} -E false)
if(CLANG_FORMAT)
  add_custom_target(format COMMAND ${CLANG_FORMAT} -i ${lint_sources} VERBATIM)
  add_custom_target(lint COMMAND ${CLANG_FORMAT} --dry-run --Werror ${lint_sources}
                    COMMAND ${check_layers} COMMAND ${check_sizes} VERBATIM)
else()
  add_custom_target(lint ${need_tools})
endif()
if(RUN_CLANG_TIDY)
  add_custom_target(tidy COMMAND ${RUN_CLANG_TIDY} -quiet -p ${CMAKE_BINARY_DIR}
                    "${CMAKE_SOURCE_DIR}/(runtime|compiler|passes|frontends|tools)/.*" VERBATIM)
else()
  add_custom_target(tidy ${need_tools})
endif()
