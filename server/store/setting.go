package store

import (
	"encoding/json"

	"trivium/app/lms"
	"trivium/consensus"
)

// selectSetting reads the JSON of the setting ?1 of the site; nothing when nobody has set it.
const selectSetting = `SELECT coalesce((SELECT value FROM settings WHERE name = ?1), '')`

// settingOr reads the JSON of a setting over what holds while nobody has set it.
func settingOr[T any](value T) func(consensus.Row) (T, error) {
	return func(row consensus.Row) (T, error) {
		var text string
		err := row.Scan(&text)
		if err == nil && text != "" {
			err = json.Unmarshal([]byte(text), &value)
		}
		return value, err
	}
}

// replaceSetting writes the JSON of a setting, if what is there still has the version, and answers with it.
func replaceSetting(b *consensus.Batch, actor lms.Actor, name string, version int64, text []byte) {
	requireAdmin(b, actor)
	b.Require(lms.ErrStale, `coalesce((SELECT value ->> 'version' FROM settings WHERE name = ?2), 0) = ?1`, version, name)
	b.Exec(`INSERT INTO settings (name, value, updated_at) VALUES (?1, ?2, ?3) ON CONFLICT (name) DO UPDATE SET value = ?2, updated_at = ?3`,
		name, string(text), consensus.Stamp{})
	b.Return(selectSetting, name)
}
