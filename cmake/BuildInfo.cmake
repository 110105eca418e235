# Writes build_info.h with the commit that is built, when it has changed. Run at build time:
#   cmake -DSOURCE=... -DOUTPUT=... -DVERSION=... -DBUILD_TYPE=... -P BuildInfo.cmake
cmake_minimum_required(VERSION 3.25)
set(commit "no commit")
find_program(GIT git)
if(GIT)
  execute_process(COMMAND ${GIT} describe --always --dirty --abbrev=7 --exclude=*
                  WORKING_DIRECTORY ${SOURCE} OUTPUT_VARIABLE described ERROR_QUIET
                  OUTPUT_STRIP_TRAILING_WHITESPACE)
  if(described)
    set(commit ${described})
  endif()
endif()
file(CONFIGURE OUTPUT ${OUTPUT} @ONLY CONTENT "// What is built; written at build time.
#pragma once

namespace dlc {
inline constexpr char build_version[] = \"@VERSION@\";
inline constexpr char build_commit[] = \"@commit@\";
inline constexpr char build_type[] = \"@BUILD_TYPE@\";
}  // namespace dlc
")
