# `cmake --install` and the Debian package: what goes where.
include(GNUInstallDirs)

set(REFSYNCD_SYSCONFDIR "/etc" CACHE PATH "Where refsyncd/config.yaml is installed; the program looks in /etc")
set(REFSYNCD_UNITDIR "lib/systemd/system" CACHE PATH "Where the systemd unit is installed")

install(TARGETS refsyncd RUNTIME)

# The unit names the program by its full path, which depends on the prefix only `cmake --install` knows for sure.
install(CODE "
  file(READ \"${PROJECT_SOURCE_DIR}/systemd/refsyncd.service\" unit)
  string(REPLACE \"/usr/bin/refsyncd\" \"\${CMAKE_INSTALL_PREFIX}/${CMAKE_INSTALL_BINDIR}/refsyncd\" unit \"\${unit}\")
  string(REPLACE \"/usr/share/doc/refsyncd\" \"\${CMAKE_INSTALL_PREFIX}/${CMAKE_INSTALL_DOCDIR}\" unit \"\${unit}\")
  file(WRITE \"${PROJECT_BINARY_DIR}/refsyncd.service\" \"\${unit}\")")
install(FILES ${PROJECT_BINARY_DIR}/refsyncd.service DESTINATION ${REFSYNCD_UNITDIR})

# An administrator's configuration is never overwritten.
install(CODE "
  set(config \"${REFSYNCD_SYSCONFDIR}/refsyncd/config.yaml\")
  if(NOT EXISTS \"\$ENV{DESTDIR}\${config}\")
    file(INSTALL \"${PROJECT_SOURCE_DIR}/config/refsyncd.yaml\" DESTINATION \"${REFSYNCD_SYSCONFDIR}/refsyncd\"
         RENAME config.yaml)
  else()
    message(STATUS \"Keeping: \$ENV{DESTDIR}\${config}\")
  endif()")

install(FILES config/refsyncd.schema.json DESTINATION ${CMAKE_INSTALL_DATADIR}/refsyncd OPTIONAL)
install(DIRECTORY contrib/prometheus contrib/grafana contrib/kubernetes DESTINATION ${CMAKE_INSTALL_DATADIR}/refsyncd
        PATTERN "*.test.yml" EXCLUDE)

# The documents and what they link to are arranged as in the repository, so that their links hold.
install(FILES README.md LICENSE contrib/debian/copyright DESTINATION ${CMAKE_INSTALL_DOCDIR})
install(DIRECTORY docs config DESTINATION ${CMAKE_INSTALL_DOCDIR})

# What is packaged is what was built; packaging builds nothing by itself.
set(CMAKE_SKIP_INSTALL_ALL_DEPENDENCY ON)
set(CPACK_GENERATOR DEB)
set(CPACK_PACKAGING_INSTALL_PREFIX /usr)
set(CPACK_SET_DESTDIR ON)  # for the one absolute path, /etc
set(CPACK_INSTALL_PREFIX /usr)
set(CPACK_STRIP_FILES ON)
set(CPACK_PACKAGE_CONTACT "refsyncd maintainers <maintainers@refsyncd.invalid>")
set(CPACK_DEBIAN_FILE_NAME DEB-DEFAULT)
set(CPACK_DEBIAN_PACKAGE_SECTION vcs)
set(CPACK_DEBIAN_PACKAGE_SHLIBDEPS ON)
set(CPACK_DEBIAN_PACKAGE_DEPENDS "git (>= 1:2.34), ca-certificates, tzdata")
set(CPACK_DEBIAN_PACKAGE_RECOMMENDS "openssh-client, libnss-systemd")
set(CPACK_DEBIAN_PACKAGE_SUGGESTS "prometheus")
set(CPACK_DEBIAN_PACKAGE_DESCRIPTION
    "Reads a schedule of policies, pulls and pushes Git refs between bare
repositories and their upstreams on time, retries, remembers over restarts, and
reports what became of every ref in the log, in Prometheus metrics and in a
history.")
set(CPACK_DEBIAN_PACKAGE_CONTROL_STRICT_PERMISSION ON)
set(CPACK_DEBIAN_PACKAGE_CONTROL_EXTRA
    ${PROJECT_SOURCE_DIR}/contrib/debian/conffiles ${PROJECT_SOURCE_DIR}/contrib/debian/postinst
    ${PROJECT_SOURCE_DIR}/contrib/debian/prerm ${PROJECT_SOURCE_DIR}/contrib/debian/postrm)
include(CPack)
