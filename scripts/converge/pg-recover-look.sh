# Prints the system identifier of the cluster in this data node's data directory; nothing when there is none.
# Settings: MAJOR
. /usr/local/lib/restorable/pg.sh
. /usr/local/lib/restorable/recover.sh
refuse_other_major node
system_identifier "$home/$MAJOR/pgaf/node"
