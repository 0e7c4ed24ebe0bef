# The options every target of the project is compiled with.
add_library(refsyncd_options INTERFACE)
target_include_directories(refsyncd_options INTERFACE ${PROJECT_SOURCE_DIR}/src)
# Fields left out of a designated initializer have defaults in place, so -Wmissing-field-initializers only makes noise.
target_compile_options(refsyncd_options INTERFACE -Wall -Wextra -Wpedantic -Wshadow -Wnon-virtual-dtor
                                                  -Wno-missing-field-initializers
                                                  $<$<BOOL:${REFSYNCD_WERROR}>:-Werror>)
target_compile_definitions(refsyncd_options INTERFACE REFSYNCD_VERSION="${PROJECT_VERSION}")
target_link_libraries(refsyncd_options INTERFACE Threads::Threads)
if(REFSYNCD_SANITIZE)
  list(JOIN REFSYNCD_SANITIZE "," sanitizers)
  target_compile_options(refsyncd_options INTERFACE -fsanitize=${sanitizers} -fno-omit-frame-pointer
                                                    -fno-sanitize-recover=all)
  target_link_options(refsyncd_options INTERFACE -fsanitize=${sanitizers})
endif()

# refsyncd_layer(NAME SOURCES a.cc ... DEPENDS other layers ... LIBRARIES third-party targets ...)
# One static library a folder of src/. DEPENDS may name only layers that stand left of it in docs/architecture.md;
# contrib/check-layers verifies the includes.
function(refsyncd_layer name)
  cmake_parse_arguments(layer "" "" "SOURCES;DEPENDS;LIBRARIES" ${ARGN})
  add_library(refsyncd_${name} STATIC ${layer_SOURCES})
  target_link_libraries(refsyncd_${name} PUBLIC refsyncd_options ${layer_LIBRARIES})
  foreach(dependency IN LISTS layer_DEPENDS)
    target_link_libraries(refsyncd_${name} PUBLIC refsyncd_${dependency})
  endforeach()
endfunction()

# refsyncd_test(NAME SOURCES a.cc ... DEPENDS layers ...): one GoogleTest program a folder of tests/.
function(refsyncd_test name)
  cmake_parse_arguments(test "" "TIMEOUT" "SOURCES;DEPENDS;LIBRARIES" ${ARGN})
  if(NOT test_TIMEOUT)
    set(test_TIMEOUT 120)
  endif()
  add_executable(${name}_tests ${test_SOURCES})
  target_include_directories(${name}_tests PRIVATE ${PROJECT_SOURCE_DIR}/tests)
  target_link_libraries(${name}_tests PRIVATE refsyncd_options GTest::gtest_main GTest::gmock ${test_LIBRARIES})
  target_compile_options(${name}_tests PRIVATE -O0 -g0)  # what is measured and debugged is the code under test
  foreach(dependency IN LISTS test_DEPENDS)
    target_link_libraries(${name}_tests PRIVATE refsyncd_${dependency})
  endforeach()
  set_target_properties(${name}_tests PROPERTIES RUNTIME_OUTPUT_DIRECTORY ${CMAKE_BINARY_DIR}/tests)
  add_test(NAME ${name} COMMAND ${name}_tests)
  set_tests_properties(${name} PROPERTIES TIMEOUT ${test_TIMEOUT})
endfunction()
