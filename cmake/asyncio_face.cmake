# The face of asyncio, precompiled: to read it is most of what a small source costs.

# Lets `target` start from it. The first caller compiles it, and all others use it again: they have
# the same flags.
function(asyncio_precompiled target)
  if(NOT TARGET asyncio_face)
    set(source ${PROJECT_BINARY_DIR}/cmake/asyncio_face.cpp)
    file(CONFIGURE OUTPUT ${source} CONTENT "// Holds the precompiled header.\n")
    add_library(asyncio_face OBJECT ${source})
    # Not linked to asyncio::asyncio: the package itself may start from here.
    target_include_directories(asyncio_face PRIVATE ${PROJECT_SOURCE_DIR}/src)
    target_precompile_headers(asyncio_face PRIVATE <asyncio/asyncio.h>)
    asyncio_warnings(asyncio_face)
    if(CMAKE_CXX_COMPILER_ID STREQUAL "Clang")
      target_compile_options(asyncio_face PRIVATE "SHELL:-Xclang -fno-pch-timestamp") # for ccache
    elseif(CMAKE_CXX_COMPILER_LAUNCHER)
      # With g++, ccache takes the face that was precompiled before for what it is to precompile
      # now: so that goes first. And it takes headers that differ in comments alone for the same;
      # but #pragma once knows a precompiled header by every byte of it: so all are compared.
      set(face ${CMAKE_CURRENT_BINARY_DIR}/CMakeFiles/asyncio_face.dir/cmake_pch.hxx.gch)
      set(headers "$(find '${PROJECT_SOURCE_DIR}/src' -name '*.h' | sort | paste -sd:)")
      set(anew "test \"\${*#*c++-header}\" = \"$*\" && exec \"$@\"\; rm -f '${face}'\; ")
      string(APPEND anew "CCACHE_EXTRAFILES=\"${headers}\" exec \"$@\"")
      set_target_properties(asyncio_face PROPERTIES
        CXX_COMPILER_LAUNCHER "sh;-c;${anew};sh;${CMAKE_CXX_COMPILER_LAUNCHER}")
    endif()
  endif()
  target_precompile_headers(${target} REUSE_FROM asyncio_face)
endfunction()

# The same for `target` of the package or program `name`, if ASYNCIO_PRECOMPILE asks for it and the
# package stands high enough. The preset dev does not: there a source has to include what it uses,
# and a header that changes costs only those who include it.
function(asyncio_precompiled_package name target)
  asyncio_floor_of(${name} floor)
  asyncio_floor_of(asyncio face_floor)
  if(ASYNCIO_PRECOMPILE AND NOT floor LESS face_floor)
    asyncio_precompiled(${target})
  endif()
endfunction()
